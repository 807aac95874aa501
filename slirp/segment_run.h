// Segments of one flow that follow one another. An upload comes in packets that differ from the one before in
// lengths, identification, sums and sequence number alone; what they have in common is checked with the
// first, and the others are found here, as a kernel's generic receive offload finds them.
//
//   | IP TCP payload | IP TCP payload | IP TCP payload | ...
//     first            followers: only their payloads are of interest
//
// IPv4 without options and IPv6 without extension headers; TCP with ACK and perhaps PSH, with timestamps or
// no options. Whether the first was accepted, and whether the connection takes what follows, is not known
// here.
//
// Thread: confined to one worker.
#pragma once

#include <span>
#include <vector>

#include "core/packet_buffer.h"

namespace wgr::slirp {

class SegmentRun {
 public:
  // The payloads of those behind the front packet, none empty, each behind the other in sequence. Valid until
  // the next call. REQUIRES: !packets.empty().
  std::span<const MutableBytes> find(std::span<const PacketView> packets);

 private:
  std::vector<MutableBytes> payloads_;
};

}  // namespace wgr::slirp
