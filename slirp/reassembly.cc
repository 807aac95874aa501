#include "slirp/reassembly.h"

#include <algorithm>
#include <cassert>

#include "core/wire/icmp.h"
#include "core/wire/tcp.h"
#include "core/wire/udp.h"

namespace wgr::slirp {
namespace {

constexpr std::size_t kMaxLength = 65535;
constexpr std::uint32_t kIpv6PayloadLengthField = 4;
constexpr std::uint32_t kFragmentOffsetField = 2;  // within the fragment header

Instant round_up_to_tick(Instant at) {
  const Duration since = at.time_since_epoch();
  return Instant{(since + kReassemblyTick - Duration{1}) / kReassemblyTick * kReassemblyTick};
}

// RFC 1858, RFC 7112: filters and flows look at the first fragment, so it has the whole upper header.
bool holds_upper_header(const wire::IpView& first) {
  const Bytes upper = first.payload;
  switch (first.protocol) {
    case wire::IpProtocol::kTcp:
      return wire::TcpView::parse(first.payload).has_value();
    case wire::IpProtocol::kUdp:
      return upper.size() >= wire::kUdpHeaderSize;
    case wire::IpProtocol::kIcmp:
    case wire::IpProtocol::kIcmpV6:
      return upper.size() >= wire::kIcmpHeaderSize;
    default:
      return true;
  }
}

}  // namespace

Reassembly::Reassembly(const Limits& limits, IcmpErrors& errors, DropCounters& drops)
    : limits_(limits), errors_(errors), drops_(drops) {}

std::optional<wire::IpView> Reassembly::receive(GuestId id, const wire::IpView& fragment, Instant now,
                                                PacketBatch& out) {
  assert(fragment.is_fragment);
  if (!is_well_formed(id, fragment, now, out)) {
    drops_.count(DropReason::kFragmentMalformed);
    return std::nullopt;
  }
  Guest& guest = guests_[id];
  Assembly& datagram = find_or_begin(guest, fragment, now);
  if (const std::optional<DropReason> reason = datagram.abandoned()) {
    drops_.count(*reason);
    return std::nullopt;
  }
  const std::size_t before = datagram.memory();
  if (!make_room(guest, datagram, datagram.memory_with(fragment) - before)) {
    abandon(guest, datagram, DropReason::kFragmentLimit);
    return std::nullopt;
  }
  const Assembly::Verdict verdict = datagram.add(fragment);
  guest.bytes += datagram.memory() - before;
  bytes_ += datagram.memory() - before;
  switch (verdict) {
    case Assembly::Verdict::kAdded:
    case Assembly::Verdict::kDuplicate:
      return std::nullopt;
    case Assembly::Verdict::kComplete:
      return complete(guest, datagram);
    case Assembly::Verdict::kOverlap:
      abandon(guest, datagram, DropReason::kFragmentOverlap);
      return std::nullopt;
    case Assembly::Verdict::kMalformed:
      abandon(guest, datagram, DropReason::kFragmentMalformed);
      return std::nullopt;
    case Assembly::Verdict::kTooManyHoles:
      abandon(guest, datagram, DropReason::kFragmentLimit);
      return std::nullopt;
  }
  return std::nullopt;
}

// What can be said of a fragment alone; RFC 8200 4.5 wants two of the faults told.
bool Reassembly::is_well_formed(GuestId guest, const wire::IpView& ip, Instant now, PacketBatch& out) {
  const wire::IpFragment& fragment = ip.fragment;
  if (fragment.data.empty()) return false;
  const bool is_v6 = ip.family == Family::kV6;
  if (fragment.more && fragment.data.size() % 8 != 0) {
    if (is_v6) {
      send_error(
          guest, ip.packet,
          IcmpError::parameter_problem(ip.family, wire::icmpv6::kErroneousField, kIpv6PayloadLengthField),
          now, out);
    }
    return false;
  }
  const std::size_t counted =
      is_v6 ? fragment.repeated_length - wire::kIpv6HeaderSize : fragment.repeated_length;
  if (counted + fragment.offset + fragment.data.size() > kMaxLength) {
    if (is_v6) {
      send_error(guest, ip.packet,
                 IcmpError::parameter_problem(ip.family, wire::icmpv6::kErroneousField,
                                              fragment.repeated_length + kFragmentOffsetField),
                 now, out);
    }
    return false;
  }
  return fragment.offset != 0 || holds_upper_header(ip);
}

Assembly& Reassembly::find_or_begin(Guest& guest, const wire::IpView& fragment, Instant now) {
  for (const auto& datagram : guest.datagrams) {
    if (datagram->owns(fragment)) return *datagram;
  }
  if (guest.datagrams.size() >= limits_.reassembly_datagrams_per_guest) {
    if (!guest.datagrams.front()->abandoned()) drops_.count(DropReason::kFragmentLimit);
    erase(guest, 0);
  }
  const Duration time = fragment.family == Family::kV4 ? kReassemblyTimeV4 : kReassemblyTimeV6;
  const Instant deadline = round_up_to_tick(now + time);
  guest.datagrams.push_back(std::make_unique<Assembly>(fragment, deadline));
  next_deadline_ = std::min(next_deadline_, deadline);
  return *guest.datagrams.back();
}

// The guest's oldest datagrams but `keep` give way until `size` more bytes are within both caps.
bool Reassembly::make_room(Guest& guest, const Assembly& keep, std::size_t size) {
  const auto has_room = [&] {
    return guest.bytes + size <= limits_.reassembly_bytes_per_guest &&
           bytes_ + size <= limits_.reassembly_bytes;
  };
  for (std::size_t i = 0; !has_room() && i < guest.datagrams.size();) {
    const Assembly& oldest = *guest.datagrams[i];
    if (&oldest == &keep || oldest.abandoned()) {
      ++i;
      continue;
    }
    drops_.count(DropReason::kFragmentLimit);
    erase(guest, i);
  }
  return has_room();
}

std::optional<wire::IpView> Reassembly::complete(Guest& guest, Assembly& datagram) {
  const Result<wire::IpView> packet = datagram.finish();
  const auto at = std::find_if(guest.datagrams.begin(), guest.datagrams.end(),
                               [&](const auto& other) { return other.get() == &datagram; });
  guest.bytes -= datagram.memory();  // bytes_ counts it until end_turn()
  completed_.push_back(std::move(*at));
  guest.datagrams.erase(at);
  if (packet) return *packet;
  drops_.count(packet.error());
  return std::nullopt;
}

void Reassembly::abandon(Guest& guest, Assembly& datagram, DropReason reason) {
  drops_.count(reason);
  guest.bytes -= datagram.memory();
  bytes_ -= datagram.memory();
  datagram.abandon(reason);
}

void Reassembly::erase(Guest& guest, std::size_t index) {
  guest.bytes -= guest.datagrams[index]->memory();
  bytes_ -= guest.datagrams[index]->memory();
  guest.datagrams.erase(guest.datagrams.begin() + static_cast<std::ptrdiff_t>(index));
}

void Reassembly::on_deadline(Instant now, PacketBatch& out) {
  if (now < next_deadline_) return;
  next_deadline_ = kNever;
  for (auto entry = guests_.begin(); entry != guests_.end();) {
    auto& [id, guest] = *entry;
    for (std::size_t i = 0; i < guest.datagrams.size();) {
      const Assembly& datagram = *guest.datagrams[i];
      if (datagram.deadline() > now) {
        next_deadline_ = std::min(next_deadline_, datagram.deadline());
        ++i;
        continue;
      }
      if (!datagram.abandoned()) {
        drops_.count(DropReason::kFragmentTimeout);
        if (const MutableBytes first = datagram.first_fragment(); !first.empty()) {
          const Family family = *wire::ip_version(first);
          send_error(id, first, IcmpError::reassembly_time_exceeded(family), now, out);
        }
      }
      erase(guest, i);
    }
    entry = guest.datagrams.empty() ? guests_.erase(entry) : std::next(entry);
  }
}

void Reassembly::send_error(GuestId guest, MutableBytes about, const IcmpError& error, Instant now,
                            PacketBatch& out) {
  if (errors_.send({guest, about}, error, now, out) == IcmpErrorOutcome::kRateLimited) {
    drops_.count(DropReason::kIcmpRateLimited);
  }
}

void Reassembly::end_turn() noexcept {
  for (const auto& datagram : completed_) bytes_ -= datagram->memory();
  completed_.clear();
}

void Reassembly::remove_guest(GuestId id) {
  const auto entry = guests_.find(id);
  if (entry == guests_.end()) return;
  bytes_ -= entry->second.bytes;
  guests_.erase(entry);
}

std::size_t Reassembly::datagrams_held() const noexcept {
  std::size_t count = 0;
  for (const auto& [id, guest] : guests_) count += guest.datagrams.size();
  return count;
}

}  // namespace wgr::slirp
