// What every WebSocket message costs: decoded and unmasked in place, or encoded into the out-queue.
#include <algorithm>
#include <array>
#include <vector>

#include "benchmark/benchmark.h"

#include "ws/websocket.h"

namespace wgr::bench {
namespace {

constexpr std::size_t kFrame = 1514;
constexpr std::size_t kRead = 64 * 1024;
constexpr Instant kNow{std::chrono::hours{1}};

// Whole messages, several reads of them. Unmasking twice gives the same bytes again, so that the stream can
// be read for ever without being copied into place.
std::vector<std::uint8_t> masked_stream(std::size_t payload) {
  const ws::FrameHeader header{.is_masked = true, .length = payload, .key = {0x37, 0xfa, 0x21, 0x3d}};
  std::vector<std::uint8_t> bytes;
  while (bytes.size() < 5 * kRead) {
    std::array<std::uint8_t, ws::kMaxFrameHeader> head;
    const std::size_t size = ws::write_frame_header(head.data(), header);
    bytes.insert(bytes.end(), head.begin(), head.begin() + static_cast<std::ptrdiff_t>(size));
    bytes.resize(bytes.size() + payload, 0x5a);
  }
  return bytes;
}

// Reads of 64 KiB, the last message of each cut.
void WebSocketDecode(benchmark::State& state) {
  std::vector<std::uint8_t> stream = masked_stream(static_cast<std::size_t>(state.range(0)));
  ws::ChunkPool pool;
  Rng rng{1};
  const ws::WebSocket::Settings settings;
  ws::WebSocket socket{ws::Role::kServer, settings, pool, rng, kNow};
  std::vector<ws::Message> messages;
  std::size_t at = 0;
  std::int64_t count = 0;
  for (auto _ : state) {
    const std::size_t size = std::min(kRead, stream.size() - at);
    socket.receive(MutableBytes{stream}.subspan(at, size), kNow, messages);
    at = (at + size) % stream.size();
    count += static_cast<std::int64_t>(messages.size());
    benchmark::DoNotOptimize(messages.data());
    messages.clear();
    socket.end_turn();
  }
  if (socket.state() != ws::WebSocket::State::kOpen) state.SkipWithError("the connection failed");
  state.SetItemsProcessed(count);
  state.counters["per_message"] = benchmark::Counter(
      static_cast<double>(count), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(WebSocketDecode)->Arg(60)->Arg(kFrame);

// Turns of 40 messages, each turn written out.
void WebSocketEncode(benchmark::State& state, ws::Role role) {
  const std::vector<std::uint8_t> message(static_cast<std::size_t>(state.range(0)), 0x5a);
  ws::ChunkPool pool;
  Rng rng{1};
  const ws::WebSocket::Settings settings;
  ws::WebSocket socket{role, settings, pool, rng, kNow};
  int queued = 0;
  for (auto _ : state) {
    socket.send(ws::MessageKind::kBinary, message);
    if (++queued < 40) continue;
    queued = 0;
    std::array<Bytes, 16> pieces;
    std::size_t size = 0;
    const std::size_t filled = socket.queue().pending(pieces);
    for (std::size_t i = 0; i < filled; ++i) size += pieces[i].size();
    socket.queue().consume(size);
  }
}
BENCHMARK_CAPTURE(WebSocketEncode, server, ws::Role::kServer)->Arg(60)->Arg(kFrame);
BENCHMARK_CAPTURE(WebSocketEncode, client, ws::Role::kClient)->Arg(kFrame);

}  // namespace
}  // namespace wgr::bench
