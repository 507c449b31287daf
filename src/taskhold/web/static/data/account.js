import { signal } from "../parts/html.js";

/** @type {import("../parts/html.js").Signal<import("./types.js").Account | null>} */
export const account = signal(null);
export async function start() {}
/** @param {string} username @param {string} password */
export async function login(username, password) {
  throw new Error(username + password);
}
/** @param {{username: string, password: string, code: string}} who */
export async function setUp(who) {
  throw new Error(who.username);
}
export async function goOnOpen() {}
/** @param {{username: string, password: string, display_name?: string}} who */
export async function register(who) {
  throw new Error(who.username);
}
/** @param {{discard?: boolean}} [how] @returns {Promise<{unsent: number}>} where it asks first, more than 0 */
export async function logout(how = {}) {
  throw new Error(String(how));
}
