// Asking the server over plain requests: what `/api/v1` answers, or why it did not.

const ROOT = "/api/v1";

/** Why something was not done. `retry` says whether the same may succeed later. */
export class Refusal extends Error {
  constructor({ code, message, retry = false, retry_after: retryAfter = null, field = null }) {
    super(message);
    this.name = "Refusal";
    this.code = code;
    this.retry = retry;
    this.retryAfter = retryAfter;
    this.field = field;
  }
}

/** Nothing was heard from the server, so nobody knows whether it was done. */
export const unreachable = () =>
  new Refusal({ code: "unreachable", message: "The server cannot be reached.", retry: true });

/** 128 random bits: a name for something that is to be done once. */
export function freshKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function ask(method, path, body, { key, signal } = {}) {
  const headers = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (key) headers["Idempotency-Key"] = key;
  let response;
  let text;
  try {
    const content = body === undefined ? undefined : JSON.stringify(body);
    response = await fetch(ROOT + path, { method, headers, body: content, signal });
    text = await response.text();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw unreachable();
  }
  return answerOf(response.status, text);
}

function answerOf(status, text) {
  let json = null;
  try {
    json = text === "" ? {} : JSON.parse(text);
  } catch {
    // What is no JSON was not said by the server itself, but by something in between.
  }
  if (status >= 200 && status < 300 && json) return json;
  if (json?.error) throw new Refusal(json.error);
  const message = `The server answered with status ${status}.`;
  throw new Refusal({ code: "internal", message, retry: status >= 500 });
}

/** A query of what is not `undefined`. */
export function query(members) {
  const kept = Object.entries(members).filter(([, value]) => value !== undefined && value !== null);
  return kept.length ? `?${new URLSearchParams(kept)}` : "";
}

/** Sends a file; `onProgress` hears the part that has gone, from 0 to 1. */
function upload(file, onProgress = () => {}, { signal, name } = {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `${ROOT}/uploads${query({ name: name ?? file.name })}`);
    if (file.type) request.setRequestHeader("Content-Type", file.type);
    else request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    };
    request.onload = () => {
      try {
        resolve(answerOf(request.status, request.responseText));
      } catch (refusal) {
        reject(refusal);
      }
    };
    request.onerror = () => reject(unreachable());
    request.onabort = () => reject(new DOMException("The upload was cancelled.", "AbortError"));
    signal?.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}

export const api = {
  get: (path, options) => ask("GET", path, undefined, options),
  post: (path, body = {}, options) => ask("POST", path, body, options),
  put: (path, body = {}, options) => ask("PUT", path, body, options),
  patch: (path, body = {}, options) => ask("PATCH", path, body, options),
  del: (path, body, options) => ask("DELETE", path, body, options),
  upload,
};
