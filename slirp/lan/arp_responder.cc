#include "slirp/lan/arp_responder.h"

namespace wgr::slirp::lan {

Verdict ArpResponder::receive(Arrival& arrival) {
  const Result<wire::ArpMessage> message = wire::ArpMessage::parse(arrival.frame.payload());
  if (!message || !is_honest(arrival, *message)) return Verdict::dropped(DropReason::kArpInvalid);
  const bool is_question = message->operation == wire::ArpOperation::kRequest && !message->is_announcement();
  if (is_question && message->target == config_.gateway) return answer(arrival, *message);
  const bool is_for_gateway = arrival.destination == config_.gateway_mac;
  if (is_for_gateway || !is_question) {
    return config_.isolate || is_for_gateway ? Verdict::done() : Verdict::forward();
  }
  if (!config_.isolate) return Verdict::forward(message->target);
  // A probe asks whether an address is free, and silence says that it is.
  return message->is_probe() ? Verdict::done() : Verdict::dropped(DropReason::kStationIsolated);
}

bool ArpResponder::is_honest(Arrival& arrival, const wire::ArpMessage& message) {
  if (message.sender_mac != arrival.from.mac) return false;
  if (message.is_probe()) return message.operation == wire::ArpOperation::kRequest;
  return stations_.may_use(arrival.from, message.sender, arrival.now);
}

Verdict ArpResponder::answer(Arrival& arrival, const wire::ArpMessage& question) {
  Station& station = arrival.from;
  if (!station.answers.take(arrival.now)) return Verdict::dropped(DropReason::kArpRateLimited);
  const MutableBytes room = delivery_.begin_from_gateway(station, station.mac, wire::EtherType::kArp,
                                                         wire::kArpSize, arrival.now, arrival.out);
  if (room.empty()) return Verdict::done();
  wire::write_arp(room, {.operation = wire::ArpOperation::kReply,
                         .sender_mac = config_.gateway_mac,
                         .sender = config_.gateway,
                         .target_mac = station.mac,
                         .target = question.sender});
  counters_.arp_answers.add();
  return Verdict::done();
}

}  // namespace wgr::slirp::lan
