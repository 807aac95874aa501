// What pages with one guest share: their server (machine_page.py), and v86 with the parts that it serves.

import { V86 } from "/v86/libv86.mjs";
import { Guest } from "/guest.mjs";

// Tells the server one event after another; when it is gone, nobody.
let said = Promise.resolve();
export function say(event) {
  said = said.then(() => fetch("/event", { method: "POST", body: JSON.stringify(event) })).catch(() => {});
  return said;
}
addEventListener("error", (event) => say({ event: "error", text: event.message }));
addEventListener("unhandledrejection", (event) => say({ event: "error", text: String(event.reason) }));

export const settings = await (await fetch("/settings")).json();

// From here on tells the fate of each WebSocket, v86's too: whether a certificate was accepted, and why a
// server closed.
export function watch_websockets(tell) {
  const Dialed = globalThis.WebSocket;
  globalThis.WebSocket = class extends Dialed {
    constructor(...how) {
      super(...how);
      this.addEventListener("open", () => tell(`opened ${this.url}`));
      this.addEventListener("close", (event) => tell(`closed ${event.code} ${event.reason}`));
    }
  };
}

export async function boot(screen) {
  const part = (name) => ({ url: `/part/${name}` });
  const guest = new Guest(V86, {
    wasm_path: "/v86/v86.wasm", kernel: part("kernel"), initrd: part("initrd"), bios: part("bios"),
    vga_bios: part("vga_bios"), state: settings.has_state ? part("state") : null,
  }, settings, screen);
  await guest.ready;
  return guest;
}
