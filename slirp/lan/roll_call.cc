#include "slirp/lan/roll_call.h"

#include <algorithm>
#include <ranges>

#include "core/wire/arp.h"
#include "core/wire/ethernet.h"

namespace wgr::slirp::lan {

void RollCall::session_began(SessionId session, Instant now, Out& out) {
  const std::uint32_t rate = std::max(config_.arp_per_second, 1u);
  if (silent_.size() >= kMaxSilent) silent_.erase(silent_.begin());
  Silent& silent = silent_.emplace_back(session, TokenBucket(rate, rate, now));
  std::erase_if(missed_, [this](GuestId guest) {
    const Station* const station = stations_.find(guest);
    return station == nullptr || station->is_attached();
  });
  for (const GuestId guest : missed_ | std::views::reverse) ask(silent, *stations_.find(guest), now, out);
}

void RollCall::missed(Station& station, Instant now, Out& out) {
  if (now < station.ask_again) return;
  station.ask_again = now + kAskAgain;
  std::erase(missed_, station.guest);
  if (missed_.size() >= kMaxMissed) missed_.erase(missed_.begin());
  missed_.push_back(station.guest);
  std::erase_if(silent_, [this](const Silent& silent) { return !stations_.is_silent(silent.session); });
  for (Silent& silent : silent_) ask(silent, station, now, out);
}

void RollCall::ask(Silent& silent, const Station& station, Instant now, Out& out) {
  for (const IpAddress& address : stations_.addresses_of(station)) {
    if (!address.is_v4()) continue;
    if (!silent.questions.take(now)) return;
    // Whether its NIC pads is not known here; longer is right for both.
    const MutableBytes frame = out.frames.append(silent.session, wire::kEthernetMinFrame);
    std::ranges::fill(frame, std::uint8_t{0});
    wire::write_ethernet(frame, MacAddress::broadcast(), config_.gateway_mac, wire::EtherType::kArp);
    wire::write_arp(frame.subspan(wire::kEthernetHeaderSize), {.operation = wire::ArpOperation::kRequest,
                                                               .sender_mac = config_.gateway_mac,
                                                               .sender = config_.gateway,
                                                               .target_mac = {},
                                                               .target = address});
    counters_.arp_questions.add();
    counters_.frames_sent.add();
    counters_.bytes_sent.add(frame.size());
  }
}

}  // namespace wgr::slirp::lan
