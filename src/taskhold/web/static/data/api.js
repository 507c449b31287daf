/** An answer that is not 2xx, with a sentence that a person can act on. */
export class Problem extends Error {
  /** @param {number} status @param {Record<string, any>} body @param {Headers} headers */
  constructor(status, body, headers) {
    super(typeof body.detail === "string" ? body.detail : `The server answered ${status}.`);
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
  get detail() {
    return this.message;
  }
  /** @returns {{field: string, message: string, code: string}[]} */
  get errors() {
    return this.body.errors ?? [];
  }
}

/** The server can't be reached, or its answer got lost. */
export class Unreachable extends Error {
  constructor() {
    super("The server can't be reached.");
  }
}

/**
 * @param {string} method @param {string} path below the page's base, without a slash in front @param {unknown} [body]
 * @returns {Promise<{status: number, body: any, headers: Headers}>}
 */
export async function call(method, path, body) {
  throw new Error(method + path + body);
}
