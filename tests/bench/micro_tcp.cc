// One TCP connection, a batch of segments at a time: without IP checks, flow lookup, bridge or cipher.
#include <sys/uio.h>

#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "benchmark/benchmark.h"

#include "core/wire/ip.h"
#include "slirp/tcp/connection.h"
#include "tests/bench/cpu_clock.h"
#include "tests/bench/guest_flow.h"

namespace wgr::bench {
namespace {

using namespace slirp;

constexpr std::size_t kBatch = 44;
constexpr std::uint32_t kMss = 1380;
const SocketAddress kGuestSide{IpAddress::v4(10, 0, 0, 2), 4000};
const SocketAddress kRemote{IpAddress::v4(192, 0, 2, 1), 80};

// What the guest has sent, kept where it lies until the connection has read it.
class Wire : public PacketSink {
 public:
  void send_packet(Bytes packet) override {
    memory_.insert(memory_.end(), packet.begin(), packet.end());
    ends_.push_back(memory_.size());
  }
  // visit(view of the segment)
  template <typename Visitor>
  void take(Visitor visit) {
    std::size_t begin = 0;
    for (const std::size_t end : ends_) {
      const auto ip = wire::IpView::parse(MutableBytes{memory_}.subspan(begin, end - begin));
      visit(*wire::TcpView::parse(ip->payload));
      begin = end;
    }
    memory_.clear();
    ends_.clear();
  }

 private:
  std::vector<std::uint8_t> memory_;
  std::vector<std::size_t> ends_;
};

// A connection and the guest at its other end, established.
class Ends {
 public:
  Ends() : pool_(config_.mtu, 65536), guest_(guest_options(), kGuestSide, kRemote) {
    guest_.connect(now_, wire_);
    wire_.take([&](const wire::TcpView& syn) {
      connection_ =
          std::make_unique<tcp::Connection>(environment_, FlowKey{GuestId{0, 1}, kGuestSide, kRemote}, syn,
                                            tcp::InitialNumbers{.sequence = 1, .timestamp_offset = 1}, now_);
    });
    connection_->accept(now_, out_);
    to_guest();
    to_connection();
  }

  // The connection's part of a step, timed.
  template <typename Step>
  void timed(Step step) {
    const double began = thread_cpu_seconds();
    step();
    spent_ += thread_cpu_seconds() - began;
  }
  double take_seconds() { return std::exchange(spent_, 0.0); }

  void to_guest() {
    now_ += std::chrono::microseconds{100};
    for (const PacketView& packet : out_.packets()) {
      const auto ip = wire::IpView::parse(packet.bytes);
      guest_.receive(*wire::TcpView::parse(ip->payload), now_, wire_);
    }
    guest_.end_batch(now_, wire_);
    out_.clear();
    pool_.end_turn();
  }
  // Returns the segments that went in.
  std::size_t to_connection() {
    now_ += std::chrono::microseconds{100};
    std::size_t segments = 0;
    timed([&] {
      wire_.take([&](const wire::TcpView& segment) {
        connection_->receive(segment, now_, out_);
        ++segments;
      });
      std::size_t size = 0;
      for (const iovec& piece : connection_->readable()) size += piece.iov_len;
      if (size != 0) connection_->consume(size, now_);
      connection_->end_batch(now_, out_);
    });
    return segments;
  }
  // Returns the segments that came out.
  std::size_t give_host_data() {
    std::size_t size = 0;
    timed([&] {
      const std::size_t pieces = connection_->prepare(pieces_, kBatch * kMss);
      for (std::size_t i = 0; i < pieces; ++i) size += pieces_[i].iov_len;
      if (pieces != 0) connection_->commit(size, now_, out_);
    });
    return size / kMss;
  }
  GuestFlow& guest() noexcept { return guest_; }

 private:
  static GuestFlowOptions guest_options() {
    GuestFlowOptions options;
    options.receive_window = 1024 * 1024;
    options.max_in_flight = kBatch * kMss;
    options.acknowledge_every = kBatch;
    return options;
  }

  Config config_;
  PacketPool pool_;
  tcp::Counters counters_;
  MemoryBudget memory_{64 * 1024 * 1024};
  tcp::Environment environment_{config_, pool_, counters_, memory_};
  Instant now_{std::chrono::hours{1}};
  PacketBatch out_;
  Wire wire_;
  GuestFlow guest_;
  std::array<iovec, kBatch> pieces_{};
  double spent_ = 0;
  std::unique_ptr<tcp::Connection> connection_;
};

// Host data into segments, headers and checksums included, and the acknowledgement of the batch.
void TcpSegmentsOut(benchmark::State& state) {
  Ends ends;
  std::size_t segments = 0;
  for (auto _ : state) {
    segments += ends.give_host_data();
    ends.to_guest();
    ends.to_connection();
    state.SetIterationTime(ends.take_seconds());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(segments));
}
BENCHMARK(TcpSegmentsOut)->UseManualTime();

// In-order segments that the host takes at once, and the acknowledgement of the batch.
void TcpSegmentsIn(benchmark::State& state) {
  Ends ends;
  ends.guest().write(GuestFlow::kUnlimited);
  std::size_t segments = 0;
  for (auto _ : state) {
    ends.to_guest();
    segments += ends.to_connection();
    state.SetIterationTime(ends.take_seconds());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(segments));
}
BENCHMARK(TcpSegmentsIn)->UseManualTime();

}  // namespace
}  // namespace wgr::bench
