// What one virtual LAN counts. One writer: its home worker.
#pragma once

#include "core/counters.h"

namespace wgr::slirp::lan {

struct Counters {
  Counter frames_received;
  Counter bytes_received;
  Counter frames_sent;
  Counter bytes_sent;
  Counter frames_switched;  // station to station
  Gauge stations;
  Gauge stations_attached;  // with a live session
  Counter stations_taken_over;
  Gauge leases;
  Counter dhcp_discovers;
  Counter dhcp_offers;
  Counter dhcp_requests;
  Counter dhcp_acks;
  Counter dhcp_naks;
  Counter dhcp_declines;
  Counter dhcp_releases;
  Counter dhcp_informs;
  Counter dhcp_pool_exhausted;
  Counter arp_answers;
  Counter arp_questions;  // behind silent sessions, for stations without one
  Counter neighbor_answers;
  Counter router_advertisements;
  Counter frames_paced;  // waited for the ring of a station
  DropCounters drops;

  template <typename Visitor>
  void visit(Visitor&& visit) const {
    visit("frames_received", frames_received);
    visit("bytes_received", bytes_received);
    visit("frames_sent", frames_sent);
    visit("bytes_sent", bytes_sent);
    visit("frames_switched", frames_switched);
    visit("stations", stations);
    visit("stations_attached", stations_attached);
    visit("stations_taken_over", stations_taken_over);
    visit("leases", leases);
    visit("dhcp_discovers", dhcp_discovers);
    visit("dhcp_offers", dhcp_offers);
    visit("dhcp_requests", dhcp_requests);
    visit("dhcp_acks", dhcp_acks);
    visit("dhcp_naks", dhcp_naks);
    visit("dhcp_declines", dhcp_declines);
    visit("dhcp_releases", dhcp_releases);
    visit("dhcp_informs", dhcp_informs);
    visit("dhcp_pool_exhausted", dhcp_pool_exhausted);
    visit("arp_answers", arp_answers);
    visit("arp_questions", arp_questions);
    visit("neighbor_answers", neighbor_answers);
    visit("router_advertisements", router_advertisements);
    visit("frames_paced", frames_paced);
  }
};

}  // namespace wgr::slirp::lan
