// Any bytes as what the other side of a WebSocket sends. However the bytes are cut, the same messages come
// out and the same frames are written, with at most one Close frame as the last; messages of text are UTF-8
// and none is longer than allowed.
#include <cstdlib>
#include <string>
#include <vector>

#include "ws/websocket.h"

namespace wgr::ws {
namespace {

void require(bool claim) {
  if (!claim) std::abort();
}

struct Outcome {
  std::vector<std::string> messages;
  std::string written;
  WebSocket::State state;
  WebSocket::Ending ending;
  std::uint16_t code;

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

std::string take_written(OutQueue& queue) {
  std::string written;
  while (!queue.empty()) {
    Bytes piece[1];
    require(queue.pending(piece) == 1 && !piece[0].empty());
    written.append(piece[0].begin(), piece[0].end());
    queue.consume(piece[0].size());
  }
  return written;
}

Outcome feed(Role role, const WebSocket::Settings& settings, Bytes bytes, std::uint64_t seed) {
  ChunkPool pool;
  Rng rng{1};
  Rng chops{seed};
  const Instant now{std::chrono::hours{1}};
  WebSocket socket{role, settings, pool, rng, now};
  std::vector<std::string> messages;
  std::string written;
  while (!bytes.empty()) {
    const std::size_t size =
        seed == 0 ? bytes.size() : 1 + chops.below(std::min<std::size_t>(bytes.size(), 20));
    std::vector<std::uint8_t> piece(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    std::vector<Message> batch;
    socket.receive(piece, now, batch);
    for (const Message& message : batch) {
      require(message.bytes.size() <= settings.message_bytes);
      require(message.kind == MessageKind::kBinary || is_utf8(message.bytes));
      messages.emplace_back(message.bytes.begin(), message.bytes.end());
      for (std::uint8_t& byte : message.bytes) byte ^= 0xff;  // the receiver may write there
    }
    bytes = bytes.subspan(size);
  }
  written += take_written(socket.queue());
  socket.close(close_code::kGoingAway, "", now);
  const std::string close = take_written(socket.queue());
  require(close.empty() == (socket.state() == WebSocket::State::kClosed));
  return {messages, written, socket.state(), socket.ending(), socket.ended_with()};
}

}  // namespace
}  // namespace wgr::ws

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wgr::ws;
  if (size == 0) return 0;
  const Role role = (data[0] & 1) != 0 ? Role::kClient : Role::kServer;
  const WebSocket::Settings settings{.message_bytes = (data[0] & 2) != 0 ? 65535u : 100u,
                                     .fragments = 5,
                                     .queue_bytes = 1 << 20,
                                     .control_frames_per_second = 12,
                                     .accepts_text = (data[0] & 4) != 0};
  const wgr::Bytes bytes{data + 1, size - 1};
  const Outcome whole = feed(role, settings, bytes, 0);
  require(whole == feed(role, settings, bytes, size));
  require(whole == feed(role, settings, bytes, size + 1));
  return 0;
}
