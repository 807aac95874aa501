// A client that sends anything, in any pieces, at any time, to a connection that echoes: HTTP, upgrade and
// WebSocket in one. Nothing it does may cost more than the bounds, or leave something counted.
//
// Input: steps of a kind, a size and as many bytes: received, time that passes, output taken.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <vector>

#include "ws/connection.h"

namespace wgr::ws {
namespace {

constexpr std::size_t kQueueBytes = 4096;

void require(bool claim) {
  if (!claim) std::abort();
}

std::shared_ptr<const Profile> profile() {
  Config config;
  config.limits.queue_bytes = kQueueBytes;
  ListenerConfig listener;
  listener.routes = {
      {"/", Service::kEthernet, "lan"}, {"/wg", Service::kWireGuard, ""}, {"/dns-query", Service::kDns, ""}};
  config.listeners = {listener};
  return std::make_shared<const Profile>(std::make_shared<const Config>(config));
}

class Client {
 public:
  Client() { limits_.connection_accepted(identity_.arrival.peer.ip, now_); }

  void step(std::uint8_t kind, Bytes bytes) {
    switch (kind % 4) {
      case 0:
      case 1:
        receive(bytes);
        break;
      case 2:
        now_ += std::chrono::milliseconds{100} * (bytes.empty() ? 1 : bytes[0]);
        while (connection_.next_deadline() <= now_) connection_.on_deadline(now_);
        break;
      case 3:
        take_output();
        break;
    }
    require(connection_.queued_bytes() <= kQueueBytes + 1024);  // and what control frames add
    require(counters_.queued_bytes.value() == static_cast<std::int64_t>(connection_.queued_bytes()));
  }

  void end() {
    connection_.lost();
    require(connection_.is_ended() && connection_.next_deadline() == kNever);
    require(limits_.half_open() == 0 && limits_.kept_alive() == 0 && limits_.sessions() == 0);
    require(counters_.queued_bytes.value() == 0 && counters_.ethernet.sessions.value() == 0);
  }

 private:
  void receive(Bytes bytes) {
    input_.assign(bytes.begin(), bytes.end());
    out_.clear();
    connection_.receive(input_, now_, out_);
    for (const MutableBytes payload : out_.payloads) {
      std::fill(payload.begin(), payload.end(), std::uint8_t{0});
      connection_.send(payload);
    }
    if (out_.request) {
      HttpResponse echo;
      echo.body = out_.request->body;
      connection_.respond(connection_.request_number(), echo, now_);
    }
    connection_.end_turn();
  }

  void take_output() {
    std::array<Bytes, 4> pieces;
    const std::size_t count = connection_.pending(pieces);
    std::size_t size = 0;
    for (std::size_t i = 0; i < count; ++i) size += pieces[i].size();
    require((size > 0) == connection_.has_output());
    connection_.consume(size);
    connection_.note_write(size > 0, connection_.has_output(), now_);
  }

  Instant now_{std::chrono::hours{1}};
  ChunkPool pool_;
  Rng rng_{/*seed=*/1};
  Counters counters_;
  SourceLimits limits_{Limits{}};
  const Connection::Identity identity_{.id = SessionId{0, 1},
                                       .arrival = {.peer = {IpAddress::v4(127, 0, 0, 1), 50000},
                                                   .local = {IpAddress::v4(127, 0, 0, 1), 8086},
                                                   .is_tls = false},
                                       .listener = 0,
                                       .is_from_proxy = false};
  std::vector<std::uint8_t> input_;
  Connection::Out out_;
  Connection connection_{identity_, profile(), Connection::Shared{pool_, rng_, limits_, counters_}, now_};
};

void fuzz_connection(Bytes input) {
  Client client;
  while (input.size() >= 2) {
    const std::uint8_t kind = input[0];
    const std::size_t size = std::min<std::size_t>(input[1], input.size() - 2);
    client.step(kind, input.subspan(2, size));
    input = input.subspan(2 + size);
  }
  client.end();
}

}  // namespace
}  // namespace wgr::ws

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  wgr::ws::fuzz_connection({data, size});
  return 0;
}
