#include "slirp/lan/delivery.h"

#include <algorithm>
#include <cstring>

namespace wgr::slirp::lan {

MutableBytes Delivery::begin(Station& to, std::size_t size, Instant now, Out& out) {
  if (!to.is_attached()) {
    counters_.drops.count(DropReason::kSessionGone);
    roll_call_.missed(to, now, out);
    return {};
  }
  // A NIC that pads what it sends may expect the same of others.
  const std::size_t padded = to.pacer.is_pacing() ? std::max(size, wire::kEthernetMinFrame) : size;
  MutableBytes room;
  if (to.pacer.try_pass(padded, now)) {
    counters_.frames_sent.add();
    counters_.bytes_sent.add(padded);
    room = out.frames.append(to.session, padded);
  } else {
    room = wait(to, padded);
    if (room.empty()) return {};
  }
  std::fill(room.begin() + static_cast<std::ptrdiff_t>(size), room.end(), std::uint8_t{0});
  return room.first(size);
}

MutableBytes Delivery::wait(Station& to, std::size_t size) {
  const Pacer::Room room = to.pacer.wait(size);
  if (room.dropped_oldest) counters_.drops.count(DropReason::kPaceOverflow);
  if (room.bytes.empty()) {
    counters_.drops.count(DropReason::kPaceOverflow);
  } else {
    counters_.frames_paced.add();
  }
  stations_.arm(to);
  return room.bytes;
}

MutableBytes Delivery::begin_from_gateway(Station& to, const MacAddress& destination, wire::EtherType type,
                                          std::size_t payload_size, Instant now, Out& out) {
  const MutableBytes frame = begin(to, wire::kEthernetHeaderSize + payload_size, now, out);
  if (frame.empty()) return {};
  wire::write_ethernet(frame, destination, config_.gateway_mac, type);
  return frame.subspan(wire::kEthernetHeaderSize);
}

void Delivery::flush(Station& to, Instant now, Out& out) {
  while (const auto frame = to.pacer.take_due(now)) {
    counters_.frames_sent.add();
    counters_.bytes_sent.add(frame->size());
    std::memcpy(out.frames.append(to.session, frame->size()).data(), frame->data(), frame->size());
    to.pacer.pop();
  }
}

}  // namespace wgr::slirp::lan
