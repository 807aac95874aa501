// Handshakes as fast as the router completes them: many peers, each from a loopback address of its own, so
// that neither the interval per peer nor the limit per source is what is measured. Under load the router
// asks for cookies; each peer has one after its first round.
//
// A handshake counts when its response was consumed; the keepalive that confirms the keys goes out with it.
#include <poll.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "core/io/udp_socket.h"
#include "tests/bench/identities.h"
#include "tests/bench/scenario.h"
#include "wireguard/cookie.h"
#include "wireguard/handshake.h"
#include "wireguard/messages.h"
#include "wireguard/tai64n.h"

namespace wgr::bench {
namespace {

using namespace wireguard;

constexpr std::size_t kOutstanding = 32;                           // handshakes under way at a time
constexpr Duration kPeerInterval = std::chrono::milliseconds{60};  // 20 a second per source is the limit
constexpr Duration kAnswerTime = std::chrono::milliseconds{500};   // then it is tried again

struct PeerEnd {
  PeerEnd(std::uint32_t number, const PublicKey& router)
      : identity(private_key_of(number)), index(number), jar(router) {
    if (!diffie_hellman(static_shared, identity.private_key, router)) std::abort();
  }

  Identity identity;
  std::uint32_t index;
  SecretKey static_shared;
  CookieJar jar;
  std::optional<SentInitiation> sent;
  Instant sent_at;
};

class HandshakeLoad {
 public:
  explicit HandshakeLoad(const Settings& settings)
      : socket_({IpAddress::v4(0), 0}, /*share_port=*/false),
        router_{IpAddress::v4(127, 0, 0, 1), settings.router_port},
        router_key_(public_key_of(private_key_of(kRouterIdentity))),
        wall_began_(std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now())),
        began_(Clock::now()) {
    for (std::uint32_t i = 1; i <= settings.peers; ++i)
      peers_.push_back(std::make_unique<PeerEnd>(i, router_key_));
  }

  // Keeps kOutstanding handshakes going until `until`.
  void run(Instant until) {
    for (Instant now = Clock::now(); now < until; now = Clock::now()) {
      begin_due(now);
      socket_.send(batch_.runs(), now);
      batch_.clear();
      pollfd watched{socket_.descriptor(), POLLIN, 0};
      poll(&watched, 1, /*milliseconds=*/1);
      receive_all(Clock::now());
    }
  }

  // One initiation after the other until one is answered; false after `until`.
  bool run_until_answered(Instant until) {
    for (Instant now = Clock::now(); completed == 0 && now < until; now = Clock::now()) {
      if (outstanding_ != 0) --outstanding_;
      begin(*peers_.front(), now);
      socket_.send(batch_.runs(), now);
      batch_.clear();
      pollfd watched{socket_.descriptor(), POLLIN, 0};
      poll(&watched, 1, /*milliseconds=*/1);
      receive_all(Clock::now());
    }
    return completed != 0;
  }

  std::uint64_t completed = 0;
  std::uint64_t cookies = 0;
  std::uint64_t unanswered = 0;

 private:
  void begin_due(Instant now);
  void begin(PeerEnd& peer, Instant now);
  void receive_all(Instant now);
  void receive(Bytes datagram, Instant now);
  void confirm(PeerEnd& peer, const SessionKeys& keys, const Response& response);
  Endpoint route_of(const PeerEnd& peer) const {
    Endpoint to = Endpoint::udp(router_);
    to.local = outer_address_of(peer.index);
    return to;
  }
  void queue(const PeerEnd& peer, Bytes message) {
    std::memcpy(batch_.append(route_of(peer), message.size()).data(), message.data(), message.size());
  }
  PeerEnd* find(std::uint32_t index) {
    return index == 0 || index > peers_.size() ? nullptr : peers_[index - 1].get();
  }

  io::UdpSocket socket_;
  const SocketAddress router_;
  const PublicKey router_key_;
  const WallTime wall_began_;
  const Instant began_;
  std::vector<std::unique_ptr<PeerEnd>> peers_;
  DatagramBatch batch_;
  std::size_t next_ = 0;
  std::size_t outstanding_ = 0;
};

void HandshakeLoad::begin_due(Instant now) {
  for (std::size_t looked = 0; looked < peers_.size() && outstanding_ < kOutstanding; ++looked) {
    PeerEnd& peer = *peers_[next_];
    next_ = (next_ + 1) % peers_.size();
    if (peer.sent) {
      if (now - peer.sent_at < kAnswerTime) continue;
      ++unanswered;
      peer.sent.reset();
      --outstanding_;
    }
    if (now - peer.sent_at < kPeerInterval) return;  // the others were asked later
    begin(peer, now);
  }
}

void HandshakeLoad::begin(PeerEnd& peer, Instant now) {
  Initiation message;
  peer.sent = create_initiation(peer.identity, router_key_, peer.static_shared,
                                tai64n(wall_began_ + (now - began_)), peer.index, message);
  if (!peer.sent) return;
  ++outstanding_;
  peer.sent_at = now;
  peer.jar.add_macs({reinterpret_cast<std::uint8_t*>(&message), sizeof message}, now);
  queue(peer, bytes_of(message));
}

void HandshakeLoad::receive_all(Instant now) {
  for (const io::UdpSocket::Received& received : socket_.receive()) {
    for (std::size_t begin = 0; begin < received.bytes.size(); begin += received.segment_size) {
      const std::size_t size = std::min(received.segment_size, received.bytes.size() - begin);
      receive(received.bytes.subspan(begin, size), now);
    }
  }
}

void HandshakeLoad::receive(Bytes datagram, Instant now) {
  const auto type = classify(datagram);
  if (type != MessageType::kResponse && type != MessageType::kCookieReply) return;
  PeerEnd* const peer = find(receiver_index(datagram, *type));
  if (peer == nullptr || !peer->sent) return;
  if (type == MessageType::kCookieReply) {
    if (!peer->jar.consume_reply(read_message<CookieReply>(datagram), now)) return;
    ++cookies;
    peer->sent.reset();
    --outstanding_;
    // A new stamp needs a new granule of time; the peer's turn comes again.
    return;
  }
  const auto response = read_message<Response>(datagram);
  const auto keys = consume_response(peer->identity, *peer->sent, SecretKey{}, response);
  if (!keys) return;
  ++completed;
  peer->sent.reset();
  --outstanding_;
  confirm(*peer, *keys, response);
}

void HandshakeLoad::confirm(PeerEnd& peer, const SessionKeys& keys, const Response& response) {
  const AeadKey sealing(keys.sending);
  std::array<std::uint8_t, kTransportOverhead> keepalive;
  write_transport_header(keepalive.data(), load_le<std::uint32_t>(response.sender.data()), /*counter=*/0);
  sealing.seal(/*counter=*/0, {}, {}, keepalive.data() + kTransportHeaderSize);
  queue(peer, keepalive);
}

}  // namespace

Figures run_handshakes(const Settings& settings) {
  HandshakeLoad load(settings);
  load.run(Clock::now() + settings.warm_up);
  Meter meter(settings.pid);
  meter.start();
  load.completed = load.cookies = load.unanswered = 0;
  load.run(Clock::now() + settings.measured);
  meter.stop();
  Figures figures;
  figures.add("completed", static_cast<double>(load.completed));
  figures.add("cookies", static_cast<double>(load.cookies));
  figures.add("unanswered", static_cast<double>(load.unanswered));
  meter.report(figures);
  return figures;
}

int wait_for_first_answer(const Settings& settings) {
  HandshakeLoad load(settings);
  std::printf("ready=1\n");
  std::fflush(stdout);
  if (!load.run_until_answered(Clock::now() + std::chrono::seconds{10})) return 1;
  std::printf("answered_at=%.6f\n", std::chrono::duration<double>(Clock::now().time_since_epoch()).count());
  return 0;
}

}  // namespace wgr::bench
