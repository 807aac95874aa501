#include "slirp/forward_admission.h"

namespace wgr::slirp {

Result<ForwardAdmission::Ticket> ForwardAdmission::admit(const IpAddress& client, Flows& flows, Guest& guest,
                                                         FlowToken token) {
  if (total_ >= limits_.forward_flows) return DropReason::kFlowLimitTotal;
  if (flows.size() >= limits_.forward_flows_per_forward ||
      guest.forwarded >= limits_.forward_flows_per_guest) {
    return DropReason::kFlowLimitGuest;
  }
  const IpAddress source = source_of(client);
  const auto known = sources_.find(source);
  if (known != sources_.end() && known->second >= limits_.forward_flows_per_source) {
    return DropReason::kFlowLimitGuest;
  }
  ++sources_[source];
  ++total_;
  ++guest.forwarded;
  flows.insert(token);
  active_.add();
  return Ticket{*this, flows, guest, source, token};
}

void ForwardAdmission::give_back(const Ticket& ticket) noexcept {
  const auto source = sources_.find(ticket.source_);
  if (--source->second == 0) sources_.erase(source);
  --total_;
  --ticket.guest_->forwarded;
  ticket.flows_->erase(ticket.token_);
  active_.subtract();
}

}  // namespace wgr::slirp
