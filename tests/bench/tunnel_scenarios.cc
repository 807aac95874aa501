// Loads of one guest, whatever its ingress: TCP in bulk, UDP at a fixed rate, short and idle flows.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "core/wire/ip.h"
#include "tests/bench/flow_set.h"
#include "tests/bench/make_link.h"
#include "tests/bench/pacer.h"
#include "tests/bench/scenario.h"

namespace wgr::bench {
namespace {

constexpr Duration kConnectTime = std::chrono::seconds{10};
constexpr std::uint32_t kBytesInFlight = 2 * 1024 * 1024;  // in all, each way: what socket buffers hold
// Of a download over a WebSocket: what the session's queue and the sockets hold from the start. Beyond, the
// oldest messages give way while the flow starts, and this TCP is not for lossy paths.
constexpr std::uint32_t kWebSocketWindow = 512 * 1024;
constexpr std::uint64_t kRequest = 64;

SocketAddress loopback(std::uint16_t port) { return {IpAddress::v4(127, 0, 0, 1), port}; }

// A guest, its flows, and the turns they take.
class Load {
 public:
  explicit Load(const Settings& settings)
      : link_(make_link(settings)), flows_(*link_, link_->address()), now_(Clock::now()) {}

  FlowSet& flows() noexcept { return flows_; }
  const GuestLink& link() const noexcept { return *link_; }
  Instant now() const noexcept { return now_; }

  void turn(Instant until) {
    flows_.begin_turn();
    now_ = link_->poll(flows_, until);
  }
  void run_until(Instant until) {
    while (now_ < until) turn(until);
  }
  // Opens flows and waits for all of them; ends the program if they do not come.
  void connect(std::uint32_t count, const GuestFlowOptions& options, const SocketAddress& remote) {
    for (std::uint32_t i = 0; i < count; ++i) flows_.open(options, remote, now_);
    const Instant until = now_ + kConnectTime;
    while (flows_.established() < flows_.flows().size() && now_ < until) turn(until);
    if (flows_.established() < flows_.flows().size()) {
      std::fprintf(stderr, "only %zu of %zu flows connected\n", flows_.established(), flows_.flows().size());
      std::exit(1);
    }
  }
  void abort_all() {
    for (GuestFlow* flow : flows_.flows()) flow->abort(*link_);
    link_->flush();
  }

 private:
  const std::unique_ptr<GuestLink> link_;
  FlowSet flows_;
  Instant now_;
};

GuestFlowOptions bulk_options(const Settings& settings) {
  GuestFlowOptions options;
  const bool is_udp = settings.ingress == Ingress::kUdp;
  options.receive_window = (is_udp ? kBytesInFlight : kWebSocketWindow) / settings.flows;
  options.max_in_flight = kBytesInFlight / settings.flows;
  // A guest whose stack gets whole runs (TSO, GRO) acknowledges runs; one without acknowledges every second
  // segment (RFC 9293 3.8.6.3).
  options.acknowledge_every = settings.offloads == Offloads::kOn ? 44 : 2;
  return options;
}

void report_flows(const FlowSet& flows, Figures& figures) {
  figures.add("retransmissions", static_cast<double>(flows.retransmissions()));
  figures.add("out_of_order", static_cast<double>(flows.out_of_order()));
}

}  // namespace

Figures run_download(const Settings& settings) {
  Load load(settings);
  load.connect(settings.flows, bulk_options(settings), loopback(settings.source_port));
  load.run_until(load.now() + settings.warm_up);
  Meter meter(settings.pid);
  meter.start();
  const std::uint64_t before = load.flows().received_bytes();
  load.run_until(load.now() + settings.measured);
  meter.stop();
  Figures figures;
  figures.add("payload_bytes", static_cast<double>(load.flows().received_bytes() - before));
  meter.report(figures);
  report_flows(load.flows(), figures);
  load.link().report(figures);
  load.abort_all();
  return figures;
}

Figures run_upload(const Settings& settings) {
  Load load(settings);
  load.connect(settings.flows, bulk_options(settings), loopback(settings.sink_port));
  for (GuestFlow* flow : load.flows().flows()) {
    flow->write(GuestFlow::kUnlimited);
    load.flows().nudge(*flow, load.now());
  }
  load.run_until(load.now() + settings.warm_up);
  Meter meter(settings.pid);
  meter.start();
  const std::uint64_t before = load.flows().acknowledged_bytes();
  load.run_until(load.now() + settings.measured);
  meter.stop();
  Figures figures;
  figures.add("payload_bytes", static_cast<double>(load.flows().acknowledged_bytes() - before));
  meter.report(figures);
  report_flows(load.flows(), figures);
  load.link().report(figures);
  load.abort_all();
  return figures;
}

namespace {

class UdpCounter : public PacketHandler {
 public:
  void receive(const PacketView& packet, Instant) override {
    const auto ip = wire::IpView::parse(packet.bytes);
    if (ip && ip->protocol == wire::IpProtocol::kUdp) ++received;
  }
  void end_batch(Instant) override {}
  Instant next_deadline() const override { return kNever; }

  std::uint64_t received = 0;
};

}  // namespace

Figures run_udp(const Settings& settings) {
  const std::unique_ptr<GuestLink> link = make_link(settings);
  const GuestUdpPacket packet({link->address(), 4000}, loopback(settings.echo_port), /*payload=*/64);
  UdpCounter counter;
  Instant now = Clock::now();
  const Instant ready_until = now + kConnectTime;
  while (counter.received == 0 && now < ready_until) {  // the handshake and the mapping
    link->send_packet(packet.bytes());
    now = link->poll(counter, now + std::chrono::milliseconds{100});
  }
  if (counter.received == 0) {
    std::fprintf(stderr, "no UDP packet came back\n");
    std::exit(1);
  }
  const Instant warm = now + settings.warm_up;
  const Instant end = warm + settings.measured;
  Pacer pacer(settings.rate, settings.burst, now);
  Meter meter(settings.pid);
  std::uint64_t sent = 0;
  bool is_measuring = false;
  while (now < end) {
    if (!is_measuring && now >= warm) {
      is_measuring = true;
      sent = counter.received = 0;
      meter.start();
    }
    for (; pacer.take(now); sent += settings.burst) {
      for (std::uint32_t i = 0; i < settings.burst; ++i) link->send_packet(packet.bytes());
    }
    now = link->poll(counter, std::min(pacer.next(), end));
  }
  meter.stop();
  Figures figures;
  figures.add("sent_packets", static_cast<double>(sent));
  figures.add("received_packets", static_cast<double>(counter.received));
  meter.report(figures);
  link->report(figures);
  return figures;
}

Figures run_flow_rate(const Settings& settings) {
  Load load(settings);
  GuestFlowOptions options;
  options.receive_window = 64 * 1024;
  const SocketAddress remote = loopback(settings.reply_port);
  load.connect(1, options, remote);  // the handshake is not measured
  load.abort_all();
  load.flows().remove(*load.flows().flows().front());

  const auto open = [&] {
    GuestFlow& flow = load.flows().open(options, remote, load.now());
    flow.write(kRequest);
    flow.close();
  };
  Meter meter(settings.pid);
  const Instant warm = load.now() + settings.warm_up;
  const Instant end = warm + settings.measured;
  std::uint64_t completed = 0;
  std::uint64_t failed = 0;
  bool is_measuring = false;
  for (std::uint32_t i = 0; i < settings.flows; ++i) open();
  while (load.now() < end) {
    if (!is_measuring && load.now() >= warm) {
      is_measuring = true;
      completed = failed = 0;
      meter.start();
    }
    load.turn(end);
    std::vector<GuestFlow*> over;
    for (GuestFlow* flow : load.flows().touched()) {
      if (flow->is_over()) over.push_back(flow);
    }
    for (GuestFlow* flow : over) {
      (flow->state() == GuestFlow::State::kClosed && flow->received_bytes() >= kRequest ? completed
                                                                                        : failed) += 1;
      load.flows().remove(*flow);
      open();
    }
  }
  meter.stop();
  Figures figures;
  figures.add("completed", static_cast<double>(completed));
  figures.add("failed", static_cast<double>(failed));
  meter.report(figures);
  report_flows(load.flows(), figures);
  load.abort_all();
  return figures;
}

Figures run_idle_flows(const Settings& settings) {
  constexpr std::uint32_t kAtATime = 100;
  Load load(settings);
  GuestFlowOptions options;
  options.receive_window = 64 * 1024;
  const SocketAddress remote = loopback(settings.reply_port);
  const auto exchange = [&](std::uint32_t count) {
    const std::size_t first = load.flows().flows().size();
    load.connect(count, options, remote);
    for (std::size_t i = first; i < first + count; ++i) {
      GuestFlow& flow = *load.flows().flows()[i];
      flow.write(kRequest);
      load.flows().nudge(flow, load.now());
    }
    const Instant until = load.now() + kConnectTime;
    while (load.flows().received_bytes() < (first + count) * kRequest && load.now() < until) load.turn(until);
  };
  exchange(8);  // what the first flows of a process touch belongs to the process
  load.run_until(load.now() + settings.warm_up);
  Meter meter(settings.pid);
  meter.start();
  for (std::uint32_t opened = 0; opened < settings.flows; opened += kAtATime) {
    exchange(std::min(kAtATime, settings.flows - opened));
  }
  const Usage busy = read_usage(settings.pid);
  load.run_until(load.now() + settings.measured);
  meter.stop();
  Figures figures;
  figures.add("flows", static_cast<double>(load.flows().established()) - 8);
  figures.add("resident_before", static_cast<double>(meter.before().resident_bytes));
  figures.add("resident_busy", static_cast<double>(busy.resident_bytes));
  meter.report(figures);
  load.abort_all();
  return figures;
}

}  // namespace wgr::bench
