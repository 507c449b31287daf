import { signal } from "../parts/html.js";

/** @type {import("../parts/html.js").Signal<import("./types.js").Connection>} */
export const connection = signal("connecting");
export const canWorkOffline = false;
