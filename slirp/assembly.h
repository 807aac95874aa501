// One datagram on its way back from fragments to a packet: its memory, which bytes of it are here, and
// whether what comes fits to that. Slirp/reassembly keeps them.
//
//   buffer: | room | headers of the first fragment | data 0 ... end |
//                                                  ^ kHeaderRoom
// Thread: confined to its owner.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "core/bytes.h"
#include "core/drop_reason.h"
#include "core/time.h"
#include "core/wire/ip.h"

namespace wgr::slirp {

inline constexpr std::size_t kReassemblyMaxHoles = 32;

class Assembly {
 public:
  enum class Verdict : std::uint8_t { kAdded, kComplete, kDuplicate, kOverlap, kMalformed, kTooManyHoles };

  // Begins the datagram of `fragment` without adding it.
  Assembly(const wire::IpView& fragment, Instant deadline) noexcept;

  bool owns(const wire::IpView& fragment) const noexcept;
  Instant deadline() const noexcept { return deadline_; }

  // Memory held now, and after add(fragment).
  std::size_t memory() const noexcept { return capacity_; }
  std::size_t memory_with(const wire::IpView& fragment) const noexcept;

  // REQUIRES: owns(fragment), not abandoned, data not empty, end within 65535.
  Verdict add(const wire::IpView& fragment);

  // The packet, as if it had never been split; points into this object. REQUIRES: add() said kComplete; once.
  Result<wire::IpView> finish() noexcept;
  // The first fragment as it came; empty if it has not.
  MutableBytes first_fragment() const noexcept;

  // Gives the memory back; the name stays taken, and what still comes is dropped for the same reason.
  void abandon(DropReason reason) noexcept;
  std::optional<DropReason> abandoned() const noexcept { return abandoned_; }

 private:
  struct Range {
    std::uint32_t begin;
    std::uint32_t end;
  };

  bool fits_known_end(const wire::IpFragment& fragment, std::uint32_t end) const noexcept;
  Verdict insert(Range range, Bytes data) noexcept;
  void keep_headers(const wire::IpView& fragment) noexcept;
  void grow(std::size_t capacity);

  // Constant after construction: the name, and when it ends.
  const Family family_;
  const wire::IpProtocol protocol_;  // IPv4: part of the name
  const std::uint32_t identification_;
  const IpAddress source_;
  const IpAddress destination_;
  const Instant deadline_;

  std::unique_ptr<std::uint8_t[]> buffer_;
  std::size_t capacity_ = 0;
  std::array<Range, kReassemblyMaxHoles> ranges_{};  // sorted, neither touching nor overlapping
  std::size_t range_count_ = 0;
  std::uint32_t end_ = 0;  // of all data; 0 while the last fragment is missing
  // Of the first fragment; 0 while it is missing.
  std::size_t first_data_size_ = 0;
  std::size_t headers_size_ = 0;  // everything in front of its data
  std::size_t repeated_length_ = 0;
  std::size_t next_header_field_offset_ = 0;
  wire::IpProtocol upper_protocol_ = wire::IpProtocol::kNoNextHeader;
  std::optional<DropReason> abandoned_;
};

}  // namespace wgr::slirp
