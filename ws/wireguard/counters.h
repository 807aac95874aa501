// What the dialer of WebSocket peers counts. One writer: its worker.
#pragma once

#include "core/counters.h"

namespace wgr::ws::wireguard {

struct DialCounters {
  // Dials by what they do; together all that are configured.
  Gauge waiting;  // for the next attempt
  Gauge trying;
  Gauge open;
  Counter attempts;
  Counter opened;
  Counter failed_name;     // not resolved
  Counter failed_connect;  // refused, unreachable
  Counter failed_upgrade;  // proxy, TLS or HTTP said no
  Counter failed_timeout;
  Counter lost;  // was open
  Counter datagrams_received;
  Counter bytes_received;
  Counter datagrams_sent;  // handed to the kernel or to TLS
  Counter bytes_sent;
  Counter datagrams_dropped;  // no connection in time, or the queue was full: oldest first
  Counter bytes_dropped;

  template <typename Visitor>
  void visit(Visitor&& visit) const {
    visit("waiting", waiting);
    visit("trying", trying);
    visit("open", open);
    visit("attempts", attempts);
    visit("opened", opened);
    visit("failed_name", failed_name);
    visit("failed_connect", failed_connect);
    visit("failed_upgrade", failed_upgrade);
    visit("failed_timeout", failed_timeout);
    visit("lost", lost);
    visit("datagrams_received", datagrams_received);
    visit("bytes_received", bytes_received);
    visit("datagrams_sent", datagrams_sent);
    visit("bytes_sent", bytes_sent);
    visit("datagrams_dropped", datagrams_dropped);
    visit("bytes_dropped", bytes_dropped);
  }
};

}  // namespace wgr::ws::wireguard
