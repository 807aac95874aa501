#include "slirp/lan/switch.h"

#include <algorithm>
#include <cstring>

namespace wgr::slirp::lan {
namespace {

constexpr std::size_t kOrdinaryMtu = 1500;

}  // namespace

void Switch::forward(Arrival& arrival) {
  if (arrival.destination.is_group()) return flood(arrival);
  Station* const to = stations_.find(arrival.destination, /*clone=*/0);
  if (to == nullptr) return drop(DropReason::kStationUnknown);
  if (to->session == arrival.from.session) return drop(DropReason::kDestinationInvalid);
  copy(arrival, *to, arrival.destination);
}

void Switch::forward_question(Arrival& arrival, const IpAddress& asked) {
  if (!arrival.destination.is_group()) return forward(arrival);
  Station* const owner = asked.is_unspecified() ? nullptr : stations_.owner_of(asked);
  if (owner == nullptr) return flood(arrival);
  // Its own address, or that of one behind the same bridge: nobody else has to hear.
  if (owner->session != arrival.from.session) copy(arrival, *owner, owner->mac);
}

void Switch::flood(Arrival& arrival) {
  const std::size_t mtu = std::max<std::size_t>(config_.mtu, kOrdinaryMtu);
  if (arrival.frame.frame().size() > wire::kEthernetHeaderSize + mtu) return drop(DropReason::kFrameTooLong);
  if (!arrival.from.broadcasts.take(arrival.now)) return drop(DropReason::kBroadcastRateLimited);
  BroadcastBudget::Share& share = arrival.from.share;
  if (!copies_.may_send(share, arrival.now)) return drop(DropReason::kBroadcastRateLimited);
  std::uint64_t copies = 0;
  stations_.for_each_session([&](Station& to) {
    if (to.session == arrival.from.session) return;
    copy(arrival, to, arrival.destination);
    ++copies;
  });
  copies_.sent(share, copies);
}

void Switch::copy(Arrival& arrival, Station& to, const MacAddress& destination) {
  const Bytes frame = arrival.frame.frame();
  const MutableBytes room = delivery_.begin(to, frame.size(), arrival.now, arrival.out);
  if (room.empty()) return;
  std::copy_n(destination.bytes().begin(), MacAddress::kSize, room.begin());
  std::memcpy(room.data() + MacAddress::kSize, frame.data() + MacAddress::kSize,
              frame.size() - MacAddress::kSize);
  counters_.frames_switched.add();
}

}  // namespace wgr::slirp::lan
