// A v86 machine with the guest of guest_init.sh, driven by lines on its serial console. Runs in Node
// (node_vm.mjs) and in a page (machine_page.mjs).

const kMegabyte = 1 << 20;
const kLookInterval = 50;  // ms
const kInService = 2;      // the register's place in a controller, as in v86's saved states
const kCascade = 1 << 2;   // where the second controller hangs on the first

// Puts the machine's network card on a WebSocket the way container2wasm does: subprotocol `binary`, a
// stream of u32 big-endian length and frame. Header and frame leave as separate messages; messages that
// arrive are pieces of a stream.
class StreamGlue {
  constructor(emulator, url) {
    this.emulator = emulator;
    this.received = new Uint8Array(0);
    this.early = [];
    emulator.add_listener("net0-send", (frame) => this.send(frame.slice()));
    this.socket = new WebSocket(url, "binary");
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => this.early.splice(0).forEach((frame) => this.send(frame));
    this.socket.onmessage = (event) => this.receive(new Uint8Array(event.data));
  }

  send(frame) {
    if (this.socket.readyState === WebSocket.CONNECTING) {
      this.early.push(frame);
    } else if (this.socket.readyState === WebSocket.OPEN) {
      const header = new Uint8Array(4);
      new DataView(header.buffer).setUint32(0, frame.length);
      this.socket.send(header);
      this.socket.send(frame);
    }
  }

  receive(piece) {
    const all = new Uint8Array(this.received.length + piece.length);
    all.set(this.received);
    all.set(piece, this.received.length);
    let at = 0;
    while (all.length - at >= 4) {
      const length = new DataView(all.buffer).getUint32(at);
      if (all.length - at < 4 + length) break;
      this.emulator.bus.send("net0-receive", all.slice(at + 4, at + 4 + length));
      at += 4 + length;
    }
    this.received = all.slice(at);
  }
}

// Sets a machine free whose interrupts v86 has lost. Its first interrupt controller remembers a request of
// the second as an edge, even when the card has withdrawn it before the processor looked. The processor then
// begins an interrupt that nobody handles or ends, and from there on none comes but the clock's: not the
// card's, not the console's. A real 8259 answers with a spurious interrupt. A driver of ne2k withdraws
// interrupts all the time, since it masks the card around each frame it sends: it needs only a frame to
// arrive within these few instructions. virtio's takes an interrupt back only while it handles it.
class InterruptGuard {
  constructor(cpu) {
    this.cpu = cpu;
    this.freed = 0;
    this.was_stuck = false;
    setInterval(() => this.look(), kLookInterval);
  }

  look() {
    const controller = (at) => new Uint8Array(this.cpu.wasm_memory.buffer, at, kInService + 1);
    const first = controller(this.cpu.get_pic_addr_master());
    const second = controller(this.cpu.get_pic_addr_slave());
    const is_stuck = (first[kInService] & kCascade) !== 0 && second[kInService] === 0;
    if (is_stuck && this.was_stuck) {  // while the guest ends an interrupt it is so for an instant
      first[kInService] &= ~kCascade;
      this.freed += 1;
    }
    this.was_stuck = is_stuck;
  }
}

export class Guest {
  // `parts`: wasm_path or wasm_fn, and bios, vga_bios, kernel, initrd and state (or null) as v86 takes
  // files: {buffer} or {url}. `options`: nic (ne2k or virtio), relay, framing (frames or stream), mtu.
  constructor(V86, parts, options, screen) {
    this.text = "";
    this.decoder = new TextDecoder("utf-8");
    this.waiting = null;  // {mark, resolve}: one command at a time
    const card = { type: options.nic, mtu: options.mtu || 1500 };
    if (options.framing !== "stream") card.relay_url = options.relay;
    this.emulator = new V86({
      ...(parts.wasm_fn ? { wasm_fn: parts.wasm_fn } : { wasm_path: parts.wasm_path }),
      bios: parts.bios, vga_bios: parts.vga_bios, bzimage: parts.kernel, initrd: parts.initrd,
      ...(parts.state ? { initial_state: parts.state } : {}),
      ...(screen ? { screen_container: screen } : {}),
      cmdline: "console=ttyS0 quiet tsc=reliable mitigations=off nomodeset cryptomgr.notests",
      memory_size: 96 * kMegabyte,  // the initrd lies at 64 MiB
      vga_memory_size: 2 * kMegabyte,
      net_device: card,
      autostart: true, disable_keyboard: true, disable_mouse: true, disable_speaker: true,
    });
    if (options.framing === "stream") this.glue = new StreamGlue(this.emulator, options.relay);
    this.emulator.add_listener("serial0-output-byte", (byte) => this.byte_arrived(byte));
    this.ready = (parts.state
      ? new Promise((resolve) => this.emulator.add_listener("emulator-ready", () => resolve([])))
      : this.wait_for(/\u0001ready\n/)).then(() => { this.guard = new InterruptGuard(this.emulator.v86.cpu); });
  }

  byte_arrived(byte) {
    this.text += this.decoder.decode(Uint8Array.of(byte), { stream: true });
    if (byte !== 10 || !this.waiting) return;
    const found = this.waiting.pattern.exec(this.text);
    if (!found) return;
    const { resolve } = this.waiting;
    this.waiting = null;
    this.text = "";
    resolve(found);
  }

  wait_for(pattern) {
    return new Promise((resolve) => { this.waiting = { pattern, resolve }; });
  }

  // What the command that runs has said until now.
  output_so_far() {
    const found = /\u0001start \S+\n([^\u0001]*)/.exec(this.text);
    return found ? found[1] : "";
  }

  // Runs one line of shell; resolves with its exit code, what it said, and how often the machine had to be
  // set free.
  async run(tag, command) {
    const done = this.wait_for(new RegExp(`\u0001start ${tag}\n([^]*)\n\u0001end ${tag} (\\d+)\n`));
    this.emulator.serial0_send(`${tag} ${command}\n`);
    const [, output, code] = await done;
    return { code: Number(code), output, freed: this.guard.freed };
  }
}
