// DNS over TCP (RFC 7766) between a guest and an upstream: the stream socket of the upstream with an eye on
// the messages that pass.
//
//   guest --query--> [a name of ours] --yes--> answer, to the guest
//                          no |
//                             v
//                         upstream --reply--> [rebind protection] --> guest
//
// Each way a message is passed on when it is whole; it is at most 64 KiB and there is one of them at a time,
// with those of our answers that the guest has not read yet. From who lets those grow beyond kMaxUnread
// nothing more is taken, and it is reset when it has read them.
//
// The owner reads whenever anything has happened: what is answered here brings no news of the socket below.
//
// Thread: confined to its stack.
#pragma once

#include <memory>
#include <vector>

#include "core/egress/sockets.h"
#include "slirp/dns_frame.h"
#include "slirp/dns_policy.h"

namespace wgr::slirp {

class DnsStream : public egress::StreamSocket {
 public:
  static constexpr std::size_t kMaxUnread = 32 * 1024;

  // `policy` and `counters` outlive the stream.
  DnsStream(std::unique_ptr<egress::StreamSocket> upstream, const DnsPolicy& policy, Counters& counters)
      : upstream_(std::move(upstream)), policy_(policy), counters_(counters) {}

  int connect_result() override { return upstream_->connect_result(); }
  egress::IoResult read(std::span<const iovec> into) override;
  egress::IoResult write(std::span<const iovec> from) override;
  void shutdown_send() override;
  void reset_on_close() override { upstream_->reset_on_close(); }
  void watch(egress::Ready interest) override { upstream_->watch(interest); }

 private:
  void dispatch_query();
  void dispatch_reply();
  void queue_for_guest(Bytes message);
  // Zero, or why not all of it was written.
  int flush_to_upstream();
  std::size_t take_for_guest(std::span<const iovec> into);

  const std::unique_ptr<egress::StreamSocket> upstream_;
  const DnsPolicy& policy_;
  Counters& counters_;
  DnsFrame query_;  // on their way in
  DnsFrame reply_;
  std::vector<std::uint8_t> to_upstream_;  // one framed query, from to_upstream_at_ on not yet written
  std::size_t to_upstream_at_ = 0;
  std::vector<std::uint8_t> to_guest_;  // framed replies, from to_guest_at_ on not yet read
  std::size_t to_guest_at_ = 0;
  bool is_guest_finished_ = false;
  bool is_shut_down_ = false;
};

}  // namespace wgr::slirp
