#include "slirp/lan/free_addresses.h"

#include <cassert>
#include <iterator>

namespace wgr::slirp::lan {

FreeAddresses::Runs::const_iterator FreeAddresses::find(std::uint32_t address) const {
  Runs::const_iterator run = runs_.upper_bound(address);
  if (run == runs_.begin()) return runs_.end();
  --run;
  return address <= run->second ? run : runs_.end();
}

bool FreeAddresses::contains(std::uint32_t address) const { return find(address) != runs_.end(); }

std::optional<std::uint32_t> FreeAddresses::next(std::uint32_t address) const {
  if (runs_.empty()) return std::nullopt;
  if (contains(address)) return address;
  const Runs::const_iterator run = runs_.upper_bound(address);
  return run == runs_.end() ? runs_.begin()->first : run->first;
}

bool FreeAddresses::take(std::uint32_t address) {
  const Runs::const_iterator run = find(address);
  if (run == runs_.end()) return false;
  const auto [first, last] = *run;
  runs_.erase(run);
  if (first < address) runs_.emplace(first, address - 1);
  if (address < last) runs_.emplace(address + 1, last);
  return true;
}

void FreeAddresses::give_back(std::uint32_t address) {
  assert(!contains(address));
  std::uint32_t first = address;
  std::uint32_t last = address;
  Runs::const_iterator after = runs_.upper_bound(address);
  if (after != runs_.begin()) {
    const Runs::const_iterator before = std::prev(after);
    if (before->second + 1 == address) {
      first = before->first;
      runs_.erase(before);
    }
  }
  if (after != runs_.end() && after->first - 1 == address) {
    last = after->second;
    runs_.erase(after);
  }
  runs_.emplace(first, last);
}

}  // namespace wgr::slirp::lan
