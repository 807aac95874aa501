#include "tests/bench/tunnel_client.h"

#include <algorithm>

#include "tests/bench/scenario.h"
#include "tests/bench/wait.h"

namespace wgr::bench {

TunnelClient::TunnelClient(const Options& options)
    : socket_({options.source, 0}, /*share_port=*/false),
      inner_(options.inner),
      now_(Clock::now()),
      device_(options.private_key, options.router_key, Endpoint::udp(options.router), now_) {
  if (options.offloads == Offloads::kOff) socket_.disable_offloads();
}

void TunnelClient::send_packet(Bytes packet) {
  device_.send(packet, now_);
  if (device_.datagrams().is_full()) flush();
}

void TunnelClient::flush() {
  socket_.send(device_.datagrams().runs(), now_);
  device_.datagrams().clear();
}

Instant TunnelClient::poll(PacketHandler& handler, Instant until) {
  flush();
  const Instant deadline = std::min({until, handler.next_deadline(), device_.next_deadline()});
  if (deadline > now_) wait_for({.descriptor = socket_.descriptor(), .from = now_, .until = deadline});
  now_ = Clock::now();
  for (const io::UdpSocket::Received& received : socket_.receive()) {
    for (std::size_t begin = 0; begin < received.bytes.size(); begin += received.segment_size) {
      const std::size_t size = std::min(received.segment_size, received.bytes.size() - begin);
      device_.receive(received.from, received.bytes.subspan(begin, size), now_);
    }
    device_.hand_over(handler, now_);
  }
  handler.end_batch(now_);
  device_.on_deadline(now_);
  flush();
  return now_;
}

void TunnelClient::report(Figures& figures) const {
  const auto& counters = socket_.counters();
  const auto per = [](const Counter& sum, const Counter& calls) {
    return static_cast<double>(sum.value()) / static_cast<double>(std::max<std::uint64_t>(calls.value(), 1));
  };
  figures.add("datagrams_per_receive", per(counters.received_datagrams, counters.receive_calls));
  figures.add("datagrams_per_send", per(counters.sent_datagrams, counters.send_calls));
}

}  // namespace wgr::bench
