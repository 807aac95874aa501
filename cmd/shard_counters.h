// What the crossroads counts. One writer (the shard's worker), any reader.
#pragma once

#include "core/counters.h"

namespace wgr {

struct ShardCounters {
  Counter packets_from_guests, bytes_from_guests;  // decrypted, source checked
  Counter packets_to_guests, bytes_to_guests;      // given to the device
  Counter overlay_packets, overlay_bytes;          // guest to guest, counted where they enter
  Counter mail_sent, mail_received;                // items between workers
  DropCounters drops;

  template <typename Visitor>
  void visit(Visitor&& visit) const {
    visit("packets_from_guests", packets_from_guests);
    visit("bytes_from_guests", bytes_from_guests);
    visit("packets_to_guests", packets_to_guests);
    visit("bytes_to_guests", bytes_to_guests);
    visit("overlay_packets", overlay_packets);
    visit("overlay_bytes", overlay_bytes);
    visit("mail_sent", mail_sent);
    visit("mail_received", mail_received);
  }
};

}  // namespace wgr
