// A DNS message on a stream: two bytes of length and the message (RFC 1035 4.2.2), gathered from pieces of
// any size.
//
// Thread: confined to its owner.
#pragma once

#include <cstdint>
#include <vector>

#include "core/bytes.h"

namespace wgr::slirp {

class DnsFrame {
 public:
  // Whole at once. REQUIRES: message.size() <= 65535.
  static DnsFrame of(Bytes message);

  // Takes what belongs to the message; returns how much that was.
  std::size_t take(Bytes bytes);
  bool is_whole() const noexcept;
  bool empty() const noexcept { return bytes_.empty(); }
  Bytes message() const noexcept;                   // REQUIRES: is_whole()
  Bytes framed() const noexcept { return bytes_; }  // with the length
  void clear() noexcept { bytes_.clear(); }

 private:
  // Of the whole; two until the length is known.
  std::size_t size() const noexcept;

  std::vector<std::uint8_t> bytes_;
};

}  // namespace wgr::slirp
