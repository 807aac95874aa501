// A guest that says exactly what a test tells it, and a connection that answers. Sequence numbers are
// written as offsets: the guest's data starts at kGuestData, ours at kOurData.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "core/wire/ipv4.h"
#include "core/wire/tcp.h"
#include "slirp/tcp/connection.h"

namespace wgr::slirp::tcp {

using namespace std::chrono_literals;
using wire::kTcpAck;
using wire::kTcpFin;
using wire::kTcpPsh;
using wire::kTcpRst;
using wire::kTcpSyn;
using wire::kTcpUrg;

inline constexpr std::uint32_t kOurSequence = 0xfffffff0;    // wraps after 15 bytes
inline constexpr std::uint32_t kGuestSequence = 0xffffff00;  // wraps after 255
inline constexpr std::uint32_t kOurData = kOurSequence + 1;
inline constexpr std::uint32_t kGuestData = kGuestSequence + 1;

// One segment, either way.
struct Said {
  std::uint32_t seq = kGuestData;
  std::uint32_t ack = kOurData;
  wire::TcpFlags flags = kTcpAck;
  std::uint16_t window = 65535;
  std::string data{};
  wire::TcpOptions options{};
};

class ScriptedGuest : public testing::Test {
 protected:
  ScriptedGuest() {
    config_.tcp.keepalive_interval = Duration{0};
    config_.tcp.timestamps = false;
    guest_options_.mss = 1000;
    guest_options_.sack_permitted = true;
  }
  ~ScriptedGuest() override {
    connection_.reset();
    EXPECT_EQ(memory_.used(), 0u);
    out_.clear();
    pool_.end_turn();
    EXPECT_EQ(pool_.slots_in_use(), 0u);
  }

  // States, as a program would reach them.
  void syn_received() {
    const auto syn = segment({.seq = kGuestSequence,
                              .ack = 0,
                              .flags = kTcpSyn,
                              .window = guest_window_,
                              .options = guest_options_});
    connection_ =
        std::make_unique<Connection>(environment_, key_, syn, InitialNumbers{kOurSequence, 0x80000000}, now_);
  }
  void syn_ack_sent() {
    syn_received();
    connection_->accept(now_, out_);
  }
  void established() {
    syn_ack_sent();
    said();
    say({.window = guest_window_});
    said();
    ASSERT_EQ(connection_->state(), State::kEstablished);
  }
  void syn_sent() {
    connection_ =
        std::make_unique<Connection>(environment_, key_, InitialNumbers{kOurSequence, 0x80000000}, now_);
    connection_->connect(now_, out_);
  }
  void close_wait() {
    established();
    say({.flags = kTcpAck | kTcpFin});
    said();
    ASSERT_EQ(connection_->state(), State::kCloseWait);
  }
  void last_ack() {
    close_wait();
    connection_->finish_send(now_, out_);
    said();
    ASSERT_EQ(connection_->state(), State::kLastAck);
  }
  void fin_wait_1() {
    established();
    connection_->finish_send(now_, out_);
    said();
    ASSERT_EQ(connection_->state(), State::kFinWait1);
  }
  void fin_wait_2() {
    fin_wait_1();
    say({.ack = kOurData + 1});
    ASSERT_EQ(connection_->state(), State::kFinWait2);
  }
  void closing() {
    fin_wait_1();
    say({.flags = kTcpAck | kTcpFin});
    said();
    ASSERT_EQ(connection_->state(), State::kClosing);
  }
  void time_wait() {
    fin_wait_2();
    say({.ack = kOurData + 1, .flags = kTcpAck | kTcpFin});
    said();
    ASSERT_EQ(connection_->state(), State::kTimeWait);
  }

  // One segment of the guest, within a batch.
  void hear(const Said& what) { connection_->receive(segment(what), now_, out_); }
  // One segment and the end of its batch; the host takes nothing by itself.
  void say(const Said& what) {
    hear(what);
    connection_->end_batch(now_, out_);
  }
  // What the connection has said since the last call. Checks every header and checksum on the way.
  std::vector<Said> said() {
    std::vector<Said> result;
    for (const PacketView& packet : out_.packets()) {
      EXPECT_EQ(packet.guest, key_.guest);
      const auto ip = wire::Ipv4View::parse(packet.bytes);
      EXPECT_TRUE(ip && ip->checksum_is_valid() && ip->dont_fragment());
      EXPECT_EQ(ip->total_length(), packet.bytes.size());
      EXPECT_LE(packet.bytes.size(), config_.mtu);
      const auto tcp = wire::TcpView::parse(ip->payload());
      EXPECT_TRUE(tcp && tcp->checksum_is_valid(key_.remote.ip, key_.guest_side.ip));
      EXPECT_EQ(tcp->source_port(), key_.remote.port);
      EXPECT_EQ(tcp->destination_port(), key_.guest_side.port);
      const auto payload = tcp->payload();
      result.push_back({tcp->sequence(), tcp->acknowledgement(), tcp->flags(), tcp->window(),
                        std::string(payload.begin(), payload.end()), tcp->options()});
    }
    out_.clear();
    pool_.end_turn();
    buffers_.clear();
    return result;
  }
  Said said_one() {
    auto all = said();
    EXPECT_EQ(all.size(), 1u);
    return all.empty() ? Said{} : all.front();
  }
  void expect_silence() { EXPECT_EQ(said().size(), 0u); }

  // The host's side.
  std::size_t give(std::string_view bytes) {
    std::size_t given = 0;
    while (given < bytes.size()) {
      iovec pieces[64];
      const std::size_t count = connection_->prepare(pieces, bytes.size() - given);
      if (count == 0) break;
      std::size_t size = 0;
      for (std::size_t i = 0; i < count; ++i) {
        bytes.substr(given + size).copy(static_cast<char*>(pieces[i].iov_base), pieces[i].iov_len);
        size += pieces[i].iov_len;
      }
      connection_->commit(size, now_, out_);
      given += size;
    }
    return given;
  }
  std::string take(std::size_t most = SIZE_MAX) {
    std::string bytes;
    for (const iovec& piece : connection_->readable()) {
      bytes.append(static_cast<const char*>(piece.iov_base), std::min(piece.iov_len, most - bytes.size()));
      if (bytes.size() == most) break;
    }
    connection_->consume(bytes.size(), now_);
    return bytes;
  }
  std::size_t readable_size() const {
    std::size_t size = 0;
    for (const iovec& piece : connection_->readable()) size += piece.iov_len;
    return size;
  }
  void advance(Duration by) {
    const Instant end = now_ + by;
    while (connection_->next_deadline() <= end) {
      now_ = std::max(now_, connection_->next_deadline());
      connection_->on_deadline(now_, out_);
    }
    now_ = end;
  }

  static std::string letters(std::size_t size, char first = 'a') {
    std::string text(size, ' ');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(first + static_cast<char>(i % 23));
    return text;
  }
  static wire::TcpOptions sack(std::initializer_list<wire::SackBlock> blocks) {
    wire::TcpOptions options;
    for (const wire::SackBlock& block : blocks) options.sack[options.sack_count++] = block;
    return options;
  }
  static std::vector<wire::SackBlock> blocks(const Said& what) {
    const auto span = what.options.sack_blocks();
    return {span.begin(), span.end()};
  }

  // The bytes live until said() is called, as a batch would.
  wire::TcpView segment(const Said& what) {
    const wire::TcpHeader header{.source_port = key_.guest_side.port,
                                 .destination_port = key_.remote.port,
                                 .sequence = what.seq,
                                 .acknowledgement = what.ack,
                                 .flags = what.flags,
                                 .window = what.window,
                                 .options = what.options};
    auto& bytes = buffers_.emplace_back(header.size() + what.data.size());
    std::copy(what.data.begin(), what.data.end(), bytes.begin() + static_cast<std::ptrdiff_t>(header.size()));
    wire::write_tcp(bytes, header, key_.guest_side.ip, key_.remote.ip);
    return *wire::TcpView::parse(bytes);
  }

  Config config_;
  wire::TcpOptions guest_options_;
  std::uint16_t guest_window_ = 65535;
  Instant now_{1000s};
  FlowKey key_{GuestId{0, 7}, {IpAddress::v4(10, 0, 0, 2), 40000}, {IpAddress::v4(198, 51, 100, 7), 443}};
  PacketPool pool_{1420, 65536};
  Counters counters_;
  MemoryBudget memory_{64 * 1024 * 1024};
  Environment environment_{config_, pool_, counters_, memory_};
  PacketBatch out_;
  std::unique_ptr<Connection> connection_;

 private:
  std::vector<std::vector<std::uint8_t>> buffers_;
};

}  // namespace wgr::slirp::tcp
