// One frame on its way through a segment, with who sent it.
#pragma once

#include "core/time.h"
#include "core/wire/ethernet.h"
#include "slirp/lan/segment.h"
#include "slirp/lan/station.h"

namespace wgr::slirp::lan {

struct Arrival {
  Station& from;
  wire::EthernetView frame;
  MacAddress destination;
  Instant now;
  Segment::Out& out;
};

// What becomes of a frame that asks or tells who has an address.
struct Verdict {
  enum class Kind : std::uint8_t {
    kDone,     // answered, or nobody's business
    kDropped,  // with the reason
    kForward,  // a switch passes it on
  };

  static Verdict done() noexcept { return {}; }
  static Verdict dropped(DropReason reason) noexcept { return {.kind = Kind::kDropped, .reason = reason}; }
  // `asked`: the address whose owner alone has to hear it; unspecified: everybody.
  static Verdict forward(const IpAddress& asked = {}) noexcept {
    return {.kind = Kind::kForward, .asked = asked};
  }

  Kind kind = Kind::kDone;
  DropReason reason{};
  IpAddress asked{};
};

}  // namespace wgr::slirp::lan
