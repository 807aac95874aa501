// Segments that arrived before their turn: copied into slots, in order, without overlap (what came first
// stays), and bounded in slots. It remembers which ranges grew last, for SACK (RFC 2018 section 4).
//
// Thread: confined to its connection.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "core/packet_buffer.h"
#include "slirp/tcp/environment.h"
#include "slirp/tcp/ring.h"
#include "slirp/tcp/seq.h"

namespace wgr::slirp::tcp {

class Reassembly {
 public:
  static constexpr std::size_t kReports = 4;

  struct Chunk {
    SeqNumber begin;
    PacketBuffer buffer;
    SeqNumber end() const noexcept { return begin + buffer.size(); }
  };

  explicit Reassembly(Environment& environment) noexcept : environment_(environment) {}
  ~Reassembly();
  Reassembly(const Reassembly&) = delete;
  Reassembly& operator=(const Reassembly&) = delete;

  enum class Outcome : std::uint8_t { kStored, kDuplicate, kRefused };
  // Keeps what is new of `bytes`. kDuplicate: all was here already. kRefused: not all could be kept.
  Outcome insert(SeqNumber begin, Bytes bytes);

  bool empty() const noexcept { return chunks_.empty(); }
  // The chunk with the smallest numbers. REQUIRES: !empty().
  const Chunk& front() const noexcept { return chunks_.front(); }
  // Its slot goes to the caller, who pays for it from now on. REQUIRES: !empty().
  PacketBuffer take_front() noexcept;
  // Everything below `next` has been delivered.
  void advance(SeqNumber next) noexcept;

  // Ranges held, most recently changed first.
  std::span<const SeqRange> reports() const noexcept { return std::span{reports_}.first(report_count_); }
  std::size_t slots_held() const noexcept { return chunks_.size(); }
  bool holds_idle_memory() const noexcept { return chunks_.empty() && chunks_.capacity() != 0; }
  void release_idle_memory() noexcept {
    if (chunks_.empty()) chunks_.release();
  }

 private:
  // Both return how much was stored: less than asked for at a limit.
  std::size_t append(std::size_t index, SeqNumber begin, Bytes bytes);
  std::size_t add(std::size_t index, SeqNumber begin, Bytes bytes, std::size_t& created);
  void report(SeqRange range) noexcept;

  Environment& environment_;
  Ring<Chunk> chunks_;
  std::array<SeqRange, kReports> reports_{};
  std::uint8_t report_count_ = 0;
};

}  // namespace wgr::slirp::tcp
