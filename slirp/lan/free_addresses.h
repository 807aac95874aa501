// Which addresses of a pool are free, as runs: a pool of any size costs as much as it has holes.
//
// Thread: confined to its owner.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

namespace wgr::slirp::lan {

class FreeAddresses {
 public:
  FreeAddresses() = default;  // none
  // All of [first, last]. REQUIRES: first <= last.
  FreeAddresses(std::uint32_t first, std::uint32_t last) { runs_.emplace(first, last); }

  bool contains(std::uint32_t address) const;
  // The first free address from `address` on, beginning anew at the end; nullopt when none is free.
  std::optional<std::uint32_t> next(std::uint32_t address) const;
  bool empty() const noexcept { return runs_.empty(); }

  // False when it was not free.
  bool take(std::uint32_t address);
  // REQUIRES: it is of the pool and not free.
  void give_back(std::uint32_t address);

 private:
  using Runs = std::map<std::uint32_t, std::uint32_t>;  // first -> last; no two of them touch

  // The run that holds the address; end() if it is not free.
  Runs::const_iterator find(std::uint32_t address) const;

  Runs runs_;
};

}  // namespace wgr::slirp::lan
