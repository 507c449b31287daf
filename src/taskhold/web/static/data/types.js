// What the page keeps and shows. Types only.
//
// A key is an object's stable name in this page: its id as text, or `new-…` for what was made here.
// That stays its key until the page is loaded anew; `findTask` and `findList` know both names.

/**
 * @typedef {"none" | "low" | "medium" | "high"} Priority
 *
 * @typedef {object} TaskFields what a person can change of a task
 * @property {string} title
 * @property {boolean} done
 * @property {string} notes
 * @property {string | null} due a day, or a date-time with an offset
 * @property {Priority} priority
 * @property {string[]} tags
 * @property {string | null} listKey
 * @property {string | null} parentKey
 * @property {string} position
 *
 * @typedef {object} TaskMarks
 * @property {string} key
 * @property {number | null} id null until the server has given one
 * @property {string | null} completed_at
 * @property {string} created_at
 * @property {string} updated_at
 * @property {number} version 0 until the server knows it
 * @property {boolean} unsent whether it has edits that the server doesn't know yet
 * @property {boolean} conflict whether one of them is in a conflict
 *
 * @typedef {TaskFields & TaskMarks} Task
 * @typedef {Task & {deleted_at: string}} Trashed
 *
 * @typedef {object} List
 * @property {string} key
 * @property {number | null} id
 * @property {string} name
 * @property {boolean} archived
 * @property {string} created_at
 * @property {string} updated_at
 * @property {number} version
 * @property {boolean} unsent
 * @property {boolean} conflict
 *
 * @typedef {object} User
 * @property {number} id
 * @property {string} username
 * @property {string} display_name
 * @property {boolean} admin
 *
 * @typedef {object} Account
 * @property {User | null} user who is logged in; where `ready` is false, who was until now
 * @property {boolean} openMode whether the server asks for no login
 * @property {boolean} needed whether the first account is still to be made
 * @property {boolean} registration whether anybody may make an account
 * @property {boolean} ready whether the tasks can be shown: who is logged in, or went on in open mode
 * @property {number} [kept] the unsent edits of who was logged in, which wait in this browser
 *
 * @typedef {"connecting" | "online" | "offline" | "restarting" | "logged-out" | "forbidden"} Connection
 */

/**
 * What an edit does to one object, with what was there before, so that it can be taken back.
 *
 * @typedef {object} Effect
 * @property {"task" | "list"} kind
 * @property {string} key
 * @property {"make" | "set" | "trash" | "back" | "gone"} does
 * @property {Record<string, any>} [set] the fields of a `make`, `set`, or `back`
 * @property {Record<string, any>} [was] of a `set`: the same fields before
 * @property {boolean} [along] it follows from another effect, and the server does it by itself
 *
 * @typedef {"tasks" | "list" | "restore" | "purge" | "tag" | "undo"} RequestKind
 *
 * @typedef {object} Sent a request as it was sent; repeated unchanged until there is an answer
 * @property {string} method
 * @property {string} path
 * @property {string} body
 * @property {string} [match] its If-Match
 * @property {number} at when it was first sent, in milliseconds since 1970
 *
 * @typedef {object} Field one that was changed here and elsewhere
 * @property {string} field
 * @property {any} base
 * @property {any} mine
 * @property {any} theirs
 *
 * @typedef {object} Edit one request to the server, waiting in the outbox
 * @property {string} key its Idempotency-Key; edits are sent in the order of their keys
 * @property {string} label what it is, for people
 * @property {string} at when it was made
 * @property {"waiting" | "sending" | "refused" | "conflict" | "done"} state
 * @property {string} [problem] why it was refused, or is not sent yet
 * @property {string} [taskKey] the task that it is about, or the first of them
 * @property {boolean} [again] whether its task is gone, and can be added anew: `addAnew`
 * @property {RequestKind} request
 * @property {Effect[]} effects
 * @property {string} [of] of an undo: the key of the edit that it undoes
 * @property {number | null} [seq] of an undo: the change that it undoes
 * @property {string} [tag] of a renamed tag: the old name
 * @property {string} [newTag] the new one
 * @property {Sent | null} sent
 * @property {Field[]} [fields] of a conflict
 * @property {Partial<TaskFields>} [copy] of a task that is gone: as it was seen here
 * @property {number} [failures] how often the server failed at it
 * @property {string} [tab] the window that made it
 *
 * @typedef {object} Conflict
 * @property {string} key the edit's
 * @property {string} taskKey
 * @property {"task" | "list"} kind of what `taskKey` names
 * @property {string} title
 * @property {Field[]} fields
 *
 * @typedef {object} LastAction
 * @property {string} sentence
 * @property {() => void} [undo]
 * @property {boolean} [quiet] its effect is seen where it happened; no toast is needed
 * @property {number} at
 */

/**
 * An edit in the list of what can be taken back.
 *
 * @typedef {object} Step
 * @property {string} key the edit's
 * @property {string} label
 * @property {RequestKind} request
 * @property {Effect[]} effects
 * @property {string} [of]
 * @property {string} [tag]
 * @property {string} [newTag]
 * @property {string} [taskKey]
 * @property {boolean} [dropped] it was taken out of the outbox again
 *
 * @typedef {object} Entry what a person did at once
 * @property {string} key in the order of time
 * @property {string} tab
 * @property {string} sentence
 * @property {"done" | "undone"} state
 * @property {Step[]} steps
 */

// What the server says

/**
 * @typedef {object} ApiTask
 * @property {number} id
 * @property {string} title
 * @property {boolean} done
 * @property {string | null} completed_at
 * @property {string} notes
 * @property {string | null} due
 * @property {Priority} priority
 * @property {string[]} tags
 * @property {number | null} list_id
 * @property {number | null} parent_id
 * @property {string} position
 * @property {string} created_at
 * @property {string} updated_at
 * @property {number} version
 * @property {string} [deleted_at] in the trash
 *
 * @typedef {object} ApiList
 * @property {number} id
 * @property {string} name
 * @property {boolean} archived
 * @property {string} created_at
 * @property {string} updated_at
 * @property {number} version
 *
 * @typedef {object} Change a row of the journal
 * @property {number} seq
 * @property {string} at
 * @property {"create" | "update" | "delete" | "restore" | "purge"} action
 * @property {"task" | "list"} kind
 * @property {number} id
 * @property {any} before
 * @property {any} after
 * @property {number} operation
 * @property {string | null} key
 * @property {number | null} undoes
 */

export {};
