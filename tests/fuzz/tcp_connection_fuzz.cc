// A stream of actions against one TCP connection: segments with any numbers and options, reads and writes of
// the host, time. Invariants: bytes reach the host in order and unchanged where the guest was consistent, the
// right edge of the window never moves left, nothing is acknowledged that was not sent, memory returns to
// zero.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "core/wire/ipv4.h"
#include "core/wire/tcp.h"
#include "slirp/tcp/connection.h"

namespace wgr::slirp::tcp {
namespace {

using namespace std::chrono_literals;

void require(bool holds) {
  if (!holds) std::abort();
}

class Input {
 public:
  explicit Input(Bytes bytes) : bytes_(bytes) {}
  bool empty() const { return bytes_.empty(); }
  std::uint8_t byte() {
    if (bytes_.empty()) return 0;
    const std::uint8_t value = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return value;
  }
  std::uint32_t number(int width) {
    std::uint32_t value = 0;
    for (int i = 0; i < width; ++i) value = value << 8 | byte();
    return value;
  }

 private:
  Bytes bytes_;
};

// What the guest would send at this place of its stream.
std::uint8_t content(std::uint32_t sequence) {
  return static_cast<std::uint8_t>(sequence * 31 + (sequence >> 8));
}

class Bench {
 public:
  explicit Bench(Input& input) : input_(input) {
    const std::uint8_t choice = input.byte();
    config_.tcp.sack = (choice & 1) != 0;
    config_.tcp.timestamps = (choice & 2) != 0;
    config_.tcp.congestion = (choice & 4) != 0 ? CongestionAlgorithm::kCubic : CongestionAlgorithm::kNewReno;
    config_.tcp.initial_receive_window = (choice & 8) != 0 ? 65536 : 3000;
    config_.tcp.max_out_of_order_bytes = (choice & 16) != 0 ? 1 << 20 : 3000;
    guest_sequence_ = input.number(4);
    our_sequence_ = input.number(4);
    if ((choice & 32) != 0) {
      connection_ = std::make_unique<Connection>(environment_, key_, InitialNumbers{our_sequence_, 5}, now_);
      connection_->connect(now_, out_);
    } else {
      is_passive_ = true;
      auto* bytes = segment(guest_sequence_, 0, wire::kTcpSyn, 0, options());
      connection_ = std::make_unique<Connection>(environment_, key_, *wire::TcpView::parse(*bytes),
                                                 InitialNumbers{our_sequence_, 5}, now_);
    }
    consumed_to_ = guest_sequence_ + 1;
  }

  void run() {
    for (int i = 0; i < 2000 && !input_.empty(); ++i) {
      act();
      check_output();
      require(connection_->memory_held() == memory_.used());
      require(memory_.used() <= memory_.limit());
    }
    connection_.reset();
    out_.clear();
    pool_.end_turn();
    require(memory_.used() == 0 && pool_.slots_in_use() == 0);
  }

 private:
  void act() {
    switch (input_.byte() % 9) {
      case 0:
      case 1:
      case 2:
        return say();
      case 3:
        take(input_.number(2));
        return;
      case 4:
        return give(input_.number(2));
      case 5:
        connection_->end_batch(now_, out_);
        kept_.clear();
        return;
      case 6:
        now_ += std::chrono::milliseconds{input_.number(2)};
        for (int i = 0; i < 100 && connection_->next_deadline() <= now_; ++i)
          connection_->on_deadline(now_, out_);
        require(connection_->next_deadline() > now_);
        return;
      case 7:
        if (connection_->state() == State::kSynReceived) return connection_->accept(now_, out_);
        return connection_->finish_send(now_, out_);
      default:
        if (input_.byte() == 0) return connection_->abort(now_, out_);
        return connection_->path_mtu_changed(static_cast<std::uint16_t>(input_.number(2)), now_, out_);
    }
  }

  wire::TcpOptions options() {
    wire::TcpOptions result;
    const std::uint8_t which = input_.byte();
    if ((which & 1) != 0) result.mss = static_cast<std::uint16_t>(input_.number(2));
    if ((which & 2) != 0) result.window_scale = static_cast<std::uint8_t>(input_.byte() % 15);
    result.sack_permitted = (which & 4) != 0;
    if ((which & 8) != 0) result.timestamps = wire::Timestamps{input_.number(2), input_.number(2)};
    const std::uint8_t most = (which & 15) != 0 ? 2 : 4;
    for (int i = (which >> 4) % (most + 1); i > 0; --i) {
      const std::uint32_t begin = our_sequence_ + 1 + input_.number(2);
      result.sack[result.sack_count++] = {begin, begin + input_.number(2)};
    }
    return result;
  }

  std::vector<std::uint8_t>* segment(std::uint32_t sequence, std::uint32_t ack, wire::TcpFlags flags,
                                     std::size_t size, const wire::TcpOptions& with) {
    const wire::TcpHeader header{.source_port = 1,
                                 .destination_port = 2,
                                 .sequence = sequence,
                                 .acknowledgement = ack,
                                 .flags = flags,
                                 .window = static_cast<std::uint16_t>(input_.number(2)),
                                 .options = with};
    kept_.push_back(std::make_unique<std::vector<std::uint8_t>>(header.size() + size));
    auto& bytes = *kept_.back();
    for (std::size_t i = 0; i < size; ++i) {
      bytes[header.size() + i] = content(sequence + static_cast<std::uint32_t>(i));
    }
    wire::write_tcp(bytes, header, key_.guest_side.ip, key_.remote.ip);
    return &bytes;
  }

  void say() {
    // Near the truth mostly, anywhere sometimes.
    const std::uint8_t kind = input_.byte();
    std::uint32_t sequence = highest_ack_ != 0 ? highest_ack_ : guest_sequence_ + 1;
    std::uint32_t ack = our_next_;
    if ((kind & 3) == 1) sequence += static_cast<std::uint32_t>(static_cast<std::int16_t>(input_.number(2)));
    if ((kind & 3) == 2) sequence = input_.number(4);
    if ((kind & 12) == 4) ack -= input_.number(2);
    if ((kind & 12) == 8) ack = input_.number(4);
    wire::TcpFlags flags = wire::kTcpAck;
    if ((kind & 0x70) == 0x70) flags = {input_.byte()};
    const std::size_t size = (kind & 0x80) != 0 ? input_.number(2) % 1500 : 0;
    auto* bytes = segment(sequence, ack, flags, size, options());
    connection_->receive(*wire::TcpView::parse(*bytes), now_, out_);
  }

  void take(std::size_t most) {
    std::size_t taken = 0;
    for (const iovec& piece : connection_->readable()) {
      const auto* bytes = static_cast<const std::uint8_t*>(piece.iov_base);
      if (is_passive_) {  // else the guest names its own first number
        for (std::size_t i = 0; i < piece.iov_len && taken + i < most; ++i) {
          require(bytes[i] == content(consumed_to_ + static_cast<std::uint32_t>(taken + i)));
        }
      }
      taken += std::min(piece.iov_len, most - taken);
      if (taken == most) break;
    }
    connection_->consume(taken, now_);
    consumed_to_ += static_cast<std::uint32_t>(taken);
  }
  void give(std::size_t size) {
    if (!connection_->wants_host_data()) return;
    iovec pieces[48];
    const std::size_t count = connection_->prepare(pieces, size);
    std::size_t room = 0;
    for (std::size_t i = 0; i < count; ++i) {
      std::memset(pieces[i].iov_base, static_cast<int>(i), pieces[i].iov_len);
      room += pieces[i].iov_len;
    }
    connection_->commit(std::min(room, std::size_t{input_.number(2)}), now_, out_);
  }

  void check_output() {
    for (const PacketView& packet : out_.packets()) {
      const auto ip = wire::Ipv4View::parse(packet.bytes);
      require(ip.has_value() && ip->checksum_is_valid());
      const auto tcp = wire::TcpView::parse(ip->payload());
      require(tcp.has_value() && tcp->checksum_is_valid(key_.remote.ip, key_.guest_side.ip));
      if (tcp->flags().rst()) continue;
      const SeqNumber end = SeqNumber{tcp->sequence()} + tcp->payload().size() +
                            (tcp->flags().syn() ? 1 : 0) + (tcp->flags().fin() ? 1 : 0);
      if (!has_sent_ || SeqNumber{our_next_} < end) our_next_ = end.value();
      has_sent_ = true;
      if (tcp->flags().ack() && !tcp->flags().syn()) {
        require(highest_ack_ == 0 || SeqNumber{tcp->acknowledgement()} >= SeqNumber{highest_ack_});
        highest_ack_ = tcp->acknowledgement();
      }
    }
    out_.clear();
    pool_.end_turn();
  }

  Input& input_;
  Config config_;
  Instant now_{1000s};
  FlowKey key_{GuestId{0, 1}, {IpAddress::v4(10, 0, 0, 2), 1}, {IpAddress::v4(192, 0, 2, 1), 2}};
  PacketPool pool_{1420, 512};
  Counters counters_;
  MemoryBudget memory_{400 * 1024};
  Environment environment_{config_, pool_, counters_, memory_};
  PacketBatch out_;
  std::vector<std::unique_ptr<std::vector<std::uint8_t>>> kept_;  // segments of the batch
  std::uint32_t guest_sequence_ = 0;
  std::uint32_t our_sequence_ = 0;
  std::uint32_t our_next_ = 0;
  std::uint32_t highest_ack_ = 0;
  std::uint32_t consumed_to_ = 0;
  bool has_sent_ = false;
  bool is_passive_ = false;
  std::unique_ptr<Connection> connection_;
};

}  // namespace
}  // namespace wgr::slirp::tcp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  wgr::slirp::tcp::Input input{{data, size}};
  wgr::slirp::tcp::Bench bench{input};
  bench.run();
  return 0;
}
