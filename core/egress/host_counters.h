// What the host sockets of one worker did.
#pragma once

#include "core/counters.h"

namespace wgr::egress {

struct HostSocketCounters {
  Counter tcp_opened, udp_opened, ping_opened, listen_opened, open_errors;
  Counter tcp_accepted, accept_errors;
  Counter descriptors_exhausted;  // refused to keep the reserve, or by the kernel (EMFILE, ENFILE)
  Counter tcp_read_calls, tcp_read_bytes, tcp_write_calls, tcp_written_bytes;
  Counter udp_receive_calls, udp_received_datagrams, udp_received_bytes;
  Counter udp_send_calls, udp_sent_datagrams, udp_sent_bytes;
  Counter udp_segmentation_refused;  // a run was sent one by one after all
  Counter invalid_messages;          // truncated, without a source, or with control data cut short
  Counter error_reports;             // from error queues

  template <typename Visitor>
  void visit(Visitor&& visit) const {
    visit("tcp_opened", tcp_opened);
    visit("udp_opened", udp_opened);
    visit("ping_opened", ping_opened);
    visit("listen_opened", listen_opened);
    visit("open_errors", open_errors);
    visit("tcp_accepted", tcp_accepted);
    visit("accept_errors", accept_errors);
    visit("descriptors_exhausted", descriptors_exhausted);
    visit("tcp_read_calls", tcp_read_calls);
    visit("tcp_read_bytes", tcp_read_bytes);
    visit("tcp_write_calls", tcp_write_calls);
    visit("tcp_written_bytes", tcp_written_bytes);
    visit("udp_receive_calls", udp_receive_calls);
    visit("udp_received_datagrams", udp_received_datagrams);
    visit("udp_received_bytes", udp_received_bytes);
    visit("udp_send_calls", udp_send_calls);
    visit("udp_sent_datagrams", udp_sent_datagrams);
    visit("udp_sent_bytes", udp_sent_bytes);
    visit("udp_segmentation_refused", udp_segmentation_refused);
    visit("invalid_messages", invalid_messages);
    visit("error_reports", error_reports);
  }
};

}  // namespace wgr::egress
