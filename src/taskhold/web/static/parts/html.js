// The one door to the vendored libraries.

import { createContext, Fragment, h, render } from "preact";
import {
  useContext,
  useEffect,
  useId,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "preact/hooks";
import {
  batch,
  computed,
  effect,
  signal,
  untracked,
  useComputed,
  useSignal,
  useSignalEffect,
} from "@preact/signals";
import htm from "htm";

/** @typedef {import("preact").ComponentChildren} Children */
/** @typedef {import("preact").VNode<any>} VNode */
/**
 * @template T
 * @typedef {import("@preact/signals").Signal<T>} Signal
 */
/**
 * @template T
 * @typedef {import("@preact/signals").ReadonlySignal<T>} ReadonlySignal
 */

const html = /** @type {(strings: TemplateStringsArray, ...values: any[]) => VNode} */ (
  /** @type {unknown} */ (htm.bind(h))
);

/** @param {...(string | false | null | undefined)} names */
const classes = (...names) => names.filter(Boolean).join(" ");

export {
  batch,
  classes,
  computed,
  createContext,
  effect,
  Fragment,
  h,
  html,
  render,
  signal,
  untracked,
  useComputed,
  useContext,
  useEffect,
  useId,
  useLayoutEffect,
  useMemo,
  useRef,
  useSignal,
  useSignalEffect,
  useState,
};
