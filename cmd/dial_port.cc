#include "cmd/dial_port.h"

#include <algorithm>
#include <utility>

#include "core/log.h"

namespace wgr {

using ws::wireguard::Dialer;

DialPort::DialPort(boost::asio::io_context& context, WorkerIndex worker, Shard& shard)
    : context_(context),
      worker_(worker),
      shard_(shard),
      rng_(Rng::from_kernel()),
      sockets_(context, [this](egress::SocketToken token, egress::Ready ready) {
        if (dialer_) dialer_->socket_ready(token, ready, Clock::now());
      }) {}

void DialPort::set_dials(const Dials& dials, const Dialer::Settings& settings, Instant now) {
  if (!dialer_) {
    if (dials.empty()) return;
    resolver_ = std::make_unique<egress::Resolver>();
    dialer_ = std::make_unique<Dialer>(worker_, settings, sockets_, *this, counters_, rng_);
  } else {
    dialer_->set_settings(settings);
  }
  std::erase_if(dials_, [&](const auto& known) {
    const auto wanted = dials.find(known.first);
    if (wanted != dials.end() && wanted->second == known.second.url) return false;
    dialer_->drop(known.second.session, now);
    return true;
  });
  for (const auto& [peer, url] : dials) {
    const auto [dial, is_new] = dials_.try_emplace(peer);
    if (!is_new) continue;
    dial->second = {url, dialer_->dial(url, now)};
    log::info("dialing a peer", {{"url", url.to_string()}});
    tell_endpoint(peer, dial->second.session, wireguard::EndpointOrigin::kOperator, now);
  }
}

void DialPort::restore_endpoints(Instant now) {
  for (const auto& [peer, dial] : dials_) {
    tell_endpoint(peer, dial.session, wireguard::EndpointOrigin::kResolver, now);
  }
}

void DialPort::tell_endpoint(GuestId peer, SessionId session, wireguard::EndpointOrigin origin, Instant now) {
  shard_.device().set_endpoint(peer, Endpoint::of_session(session, SocketAddress{}), origin, now);
}

void DialPort::send(SessionId session, Bytes datagram, Instant now) {
  if (!dialer_ || !dialer_->send(session, datagram, now)) shard_.count_unsent(1);
}

void DialPort::flush(Instant now) {
  if (!dialer_) return;
  dialer_->flush(now);
  look_up_names();
}

Instant DialPort::next_deadline() const { return dialer_ ? dialer_->next_deadline() : kNever; }

void DialPort::on_deadline(Instant now) {
  if (dialer_) dialer_->on_deadline(now);
}

void DialPort::look_up_names() {
  for (Dialer::Lookup& lookup : dialer_->take_lookups()) {
    resolver_->resolve(lookup.name, context_,
                       [this, session = lookup.session](const egress::Resolver::Answer& answer) {
                         dialer_->resolved(session, answer.addresses, answer.error, Clock::now());
                       });
  }
}

// The address behind a dial is no part of the endpoint: it may change from one connection to the next.
void DialPort::datagrams_received(const ws::SessionInfo& session, std::span<const MutableBytes> datagrams,
                                  Instant now) {
  shard_.datagrams_received(Endpoint::of_session(session.id, SocketAddress{}), datagrams, now);
}

}  // namespace wgr
