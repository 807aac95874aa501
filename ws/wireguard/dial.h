// One configured dial of a Dialer: its plan for life, and what belongs to the attempt or connection of now.
//
// Thread: confined to its dialer.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ws/client_stream.h"
#include "ws/out_queue.h"
#include "ws/wireguard/dial_plan.h"
#include "ws/wireguard/dial_url.h"
#include "ws/wireguard/dialer.h"

namespace wgr::ws::wireguard {

struct Dialer::Dial {
  Dial(SessionId session, DialUrl to, Rng& rng, Instant now)
      : id(session), url(std::move(to)), plan(rng, now) {}

  const SessionId id;
  const DialUrl url;
  DialPlan plan;
  DialPlan::State counted_state = DialPlan::State::kWaiting;
  bool is_told = false;   // the sink knows of it
  bool is_dirty = false;  // in dirty_
  bool is_blocked = false;
  bool awaits_name = false;
  Instant last_told_heard{};
  std::string failure;

  // Of the attempt or connection.
  std::optional<ProxyUrl> proxy;
  std::vector<IpAddress> addresses;
  std::size_t next_address = 0;
  Instant next_address_at = kNever;  // while connecting
  int connect_error = 0;
  SocketAddress remote;
  std::unique_ptr<egress::StreamSocket> socket;
  std::unique_ptr<ClientStream> stream;  // once TCP is connected
  OutQueue::Tally counted;               // of its queue
};

}  // namespace wgr::ws::wireguard
