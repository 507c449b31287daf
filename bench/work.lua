-- What wrk asks for: wrk -s work.lua URL -- KIND COUNT TASK LIST CREATE MORE [TOKEN]
-- KIND is get, list, create, patch or mix; COUNT how many tasks there are to choose from; TASK the
-- path of one, with a place for its number; LIST and CREATE those of all; MORE what is sent beside
-- a title. Prints a line of JSON with what wrk has counted, times in microseconds.

local kind, count, task, list, create, more
local number, turn = 0, 0

local function write(method, path)
  number = number + 1
  local title = "Write the report " .. os.time() .. "." .. number
  return wrk.format(method, path, nil, '{"title": "' .. title .. '"' .. more .. "}")
end

local does = {
  get = function() return wrk.format("GET", task:format(math.random(count))) end,
  list = function() return wrk.format("GET", list) end,
  create = function() return write("POST", create) end,
  patch = function() return write("PATCH", task:format(math.random(count))) end,
}

-- Of ten requests six get, two list, one creates and one changes.
local mixed = { "get", "list", "get", "create", "get", "get", "list", "get", "patch", "get" }

does.mix = function()
  turn = turn % #mixed + 1
  return does[mixed[turn]]()
end

function init(arguments)
  local token
  kind, count, task, list, create, more, token = unpack(arguments)
  count = tonumber(count)
  math.randomseed(1)
  wrk.headers["Content-Type"] = "application/json"
  if token then wrk.headers["Authorization"] = "Bearer " .. token end
end

function request() return does[kind]() end

function done(summary, latency)
  local errors = summary.errors
  io.write(("{\"requests\": %d, \"microseconds\": %d, \"p50\": %d, \"p99\": %d, \"errors\": %d}\n"):format(
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
