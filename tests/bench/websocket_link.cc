#include "tests/bench/websocket_link.h"

#include <poll.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "core/wire/ethernet.h"
#include "tests/bench/identities.h"
#include "tests/bench/wait.h"

namespace wgr::bench {
namespace {

constexpr Duration kOpenTime = std::chrono::seconds{10};
constexpr Duration kAnswerTime = std::chrono::milliseconds{500};

[[noreturn]] void give_up(const std::string& sentence) {
  std::fprintf(stderr, "%s\n", sentence.c_str());
  std::exit(1);
}

}  // namespace

WebSocketLink::WebSocketLink(const WebSocketClient::Options& options)
    : client_(options, memory_), now_(Clock::now()) {
  const Instant until = now_ + kOpenTime;
  while (!client_.is_open() && now_ < until) {
    wait_for({.descriptor = client_.descriptor(), .from = now_, .until = until});
    now_ = Clock::now();
    client_.read(now_);
    client_.end_read();
    client_.write();
    if (client_.has_ended()) break;
  }
  if (!client_.is_open()) give_up("no WebSocket at " + options.path + ": " + client_.failure());
}

void WebSocketLink::read(Instant until) {
  const short events = client_.is_blocked() ? POLLIN | POLLOUT : POLLIN;
  if (until > now_) {
    wait_for({.descriptor = client_.descriptor(), .from = now_, .until = until, .events = events});
  }
  now_ = Clock::now();
  for (const ws::Message& message : client_.read(now_)) {
    ++received_messages_;
    receive(message.bytes);
  }
  if (!client_.is_open()) give_up("the WebSocket is gone: " + client_.failure());
}

Instant WebSocketLink::poll(PacketHandler& handler, Instant until) {
  flush();
  read(std::min({until, handler.next_deadline(), next_deadline()}));
  hand_over(handler);
  end_read();
  handler.end_batch(now_);
  on_deadline();
  flush();
  return now_;
}

void WebSocketLink::report(Figures& figures) const {
  const auto per = [](std::uint64_t sum, std::uint64_t calls) {
    return static_cast<double>(sum) / static_cast<double>(std::max<std::uint64_t>(calls, 1));
  };
  figures.add("messages_per_receive", per(received_messages_, client_.reads()));
  figures.add("messages_per_send", per(sent_messages_, client_.writes()));
}

// --- Ethernet ---

EthernetLink::EthernetLink(const WebSocketClient::Options& options, std::uint32_t number)
    : WebSocketLink(options), station_(number) {
  const Instant until = now() + kOpenTime;
  for (Instant asked = now() - kAnswerTime; !station_.is_bound() && now() < until;) {
    if (now() - asked >= kAnswerTime) {
      send(station_.ask(frame_));
      write();
      asked = now();
    }
    read(asked + kAnswerTime);
    for (const MutableBytes frame : frames_) {
      if (station_.receive(frame)) asked -= kAnswerTime;
    }
    frames_.clear();
    end_read();
  }
  if (!station_.is_bound()) give_up("no address by DHCP");
}

void EthernetLink::send_packet(Bytes packet) {
  const MutableBytes frame = MutableBytes{frame_}.first(wire::kEthernetHeaderSize + packet.size());
  station_.write_header(frame);
  std::memcpy(frame.data() + wire::kEthernetHeaderSize, packet.data(), packet.size());
  send(frame);
}

void EthernetLink::receive(MutableBytes message) { frames_.push_back(message); }

void EthernetLink::hand_over(PacketHandler& handler) {
  for (const MutableBytes frame : frames_) {
    const auto ethernet = wire::EthernetView::parse(frame);
    if (!ethernet || ethernet->type() != wire::EtherType::kIpv4) continue;
    handler.receive({GuestId{}, ethernet->payload()}, now());
  }
  frames_.clear();
}

// --- WireGuard ---

WireGuardLink::WireGuardLink(const WebSocketClient::Options& options, std::uint32_t identity)
    : WebSocketLink(options),
      address_(inner_address_of(identity)),
      router_(Endpoint::of_session(SessionId{0, 1}, {IpAddress::v4(127, 0, 0, 1), options.port})),
      device_(private_key_of(identity), wireguard::public_key_of(private_key_of(kRouterIdentity)), router_,
              now()) {}

void WireGuardLink::send_packet(Bytes packet) {
  device_.send(packet, now());
  if (device_.datagrams().is_full()) flush();
}

void WireGuardLink::flush() {
  for (const DatagramBatch::Run& run : device_.datagrams().runs()) {
    for (std::size_t begin = 0; begin < run.bytes.size(); begin += run.segment_size) {
      send(run.bytes.subspan(begin, std::min(run.segment_size, run.bytes.size() - begin)));
    }
  }
  device_.datagrams().clear();
  write();
}

void WireGuardLink::receive(MutableBytes message) { device_.receive(router_, message, now()); }

void WireGuardLink::hand_over(PacketHandler& handler) { device_.hand_over(handler, now()); }

void WireGuardLink::on_deadline() { device_.on_deadline(now()); }

}  // namespace wgr::bench
