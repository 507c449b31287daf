-- One task a request, for wrk: docs/scale.md.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"title": "Write the report"}'
