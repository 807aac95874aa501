#include "slirp/lan/dhcp_server.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "core/wire/dns.h"
#include "slirp/lan/station_name.h"

namespace wgr::slirp::lan {

using wire::DhcpOption;
using wire::DhcpType;
using wire::DhcpView;

namespace {

constexpr std::uint32_t kEndless = 0xffffffff;  // RFC 2131 3.3
constexpr std::uint32_t kLeastForTimers = 8;    // seconds: below, T1 < T2 < lease cannot be said

IpAddress everybody() noexcept { return IpAddress::v4(0xffffffff); }

std::uint32_t seconds_of(Duration time) noexcept {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time).count();
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(seconds, 1, kEndless));
}

// RFC 3397 with one domain, uncompressed; empty when it is no domain name.
std::vector<std::uint8_t> search_list(std::string_view domain) {
  const auto name = wire::DnsName::parse(domain);
  if (!name || *name == wire::DnsName{}) return {};
  return {name->wire().begin(), name->wire().end()};
}

}  // namespace

// A client's message with what is read of it more than once.
struct DhcpServer::Request {
  const DhcpView& view;
  MacAddress mac;
  LeaseClient client;
  std::optional<DhcpView::Data> parameters;  // option 55

  // The usual ones when the client does not say.
  bool wants(DhcpOption option) const {
    if (parameters) {
      return std::ranges::find(*parameters, static_cast<std::uint8_t>(option)) != parameters->end();
    }
    return option != DhcpOption::kHostName && option != DhcpOption::kDomainSearch &&
           option != DhcpOption::kClasslessRoutes;
  }
  std::string host_name() const {
    const std::optional<DhcpView::Data> said = view.option(DhcpOption::kHostName);
    return said ? station_name(text_of(*said)) : std::string{};
  }
};

DhcpServer::DhcpServer(const NetworkConfig& config, LeaseTable& leases, Counters& counters)
    : config_(config), leases_(leases), counters_(counters) {}

std::optional<DhcpServer::Reply> DhcpServer::receive(Bytes message, const MacAddress& frame_source,
                                                     std::uint32_t clone, const IpAddress& source,
                                                     Instant now) {
  const auto drop = [this](DropReason reason) {
    counters_.drops.count(reason);
    return std::nullopt;
  };
  if (!config_.dhcp.enabled) return drop(DropReason::kProtocolUnsupported);
  const Result<DhcpView> view = DhcpView::parse(message);
  if (!view) return drop(view.error());
  // A server's message, or a relay agent's.
  if (view->op() != wire::DhcpOp::kRequest || !view->giaddr().is_unspecified()) {
    return drop(DropReason::kDhcpRogue);
  }
  const std::optional<MacAddress> mac = view->mac();
  const std::optional<DhcpType> type = view->type();
  if (!mac || !type) return drop(DropReason::kDhcpMalformed);
  if (*mac != frame_source) return drop(DropReason::kMacSpoofed);

  Request request{.view = *view,
                  .mac = *mac,
                  .client = {*mac, clone, {}},
                  .parameters = view->option(DhcpOption::kParameterList)};
  if (const auto id = view->option(DhcpOption::kClientIdentifier)) {
    request.client.client_id.assign(id->begin(), id->end());
  }
  switch (*type) {
    case DhcpType::kDiscover:
      return discover(request, now);
    case DhcpType::kRequest:
      return this->request(request, now);
    case DhcpType::kInform:
      return inform(request, source);
    case DhcpType::kDecline:
      decline(request, now);
      return std::nullopt;
    case DhcpType::kRelease:
      release(request, now);
      return std::nullopt;
    case DhcpType::kOffer:
    case DhcpType::kAck:
    case DhcpType::kNak:
      break;
  }
  return drop(DropReason::kDhcpRogue);
}

std::optional<DhcpServer::Reply> DhcpServer::discover(const Request& request, Instant now) {
  counters_.dhcp_discovers.add();
  const std::optional<IpAddress> wish = request.view.address_option(DhcpOption::kRequestedAddress);
  const std::optional<IpAddress> address = leases_.offer(request.client, wish, now);
  if (!address) return std::nullopt;
  counters_.dhcp_offers.add();
  return make_grant(request, DhcpType::kOffer, *address);
}

// RFC 2131 4.3.2, told apart by table 4: which of options 54 and 50 and ciaddr are there.
std::optional<DhcpServer::Reply> DhcpServer::request(const Request& request, Instant now) {
  counters_.dhcp_requests.add();
  const IpAddress in_use = request.view.ciaddr();
  const std::optional<IpAddress> wanted = request.view.address_option(DhcpOption::kRequestedAddress);
  if (request.view.has(DhcpOption::kServerIdentifier)) {
    if (!is_for_us(request)) {
      leases_.withdraw_offer(request.client, now);
      return std::nullopt;
    }
    if (wanted) return select(request, *wanted, now);
  } else if (wanted && in_use.is_unspecified()) {
    return init_reboot(request, *wanted, now);
  }
  if (!in_use.is_unspecified()) return acknowledge(request, in_use, now);  // renewing, rebinding
  counters_.drops.count(DropReason::kDhcpMalformed);
  return std::nullopt;
}

std::optional<DhcpServer::Reply> DhcpServer::select(const Request& request, const IpAddress& wanted,
                                                    Instant now) {
  const std::optional<IpAddress> offered = leases_.find(request.client);
  if (offered && *offered != wanted) return make_nak(request);
  return acknowledge(request, wanted, now);
}

std::optional<DhcpServer::Reply> DhcpServer::init_reboot(const Request& request, const IpAddress& wanted,
                                                         Instant now) {
  if (!config_.subnet.contains(wanted)) return make_nak(request);
  if (const std::optional<IpAddress> known = leases_.find(request.client)) {
    return *known == wanted ? acknowledge(request, wanted, now) : make_nak(request);
  }
  // Clones of one machine are not known by name after a restart, but by the address they ask for.
  const LeaseClient* const owner = leases_.owner_of(wanted);
  if (owner == nullptr || owner->mac != request.mac) return std::nullopt;
  return acknowledge(request, wanted, now);
}

std::optional<DhcpServer::Reply> DhcpServer::acknowledge(const Request& request, const IpAddress& address,
                                                         Instant now) {
  const std::string_view fixed = fixed_name(request);
  const std::string name = fixed.empty() ? request.host_name() : std::string{fixed};
  if (!leases_.confirm(request.client, address, name, now)) return make_nak(request);
  counters_.dhcp_acks.add();
  return make_grant(request, DhcpType::kAck, address);
}

// RFC 2131 4.3.5: parameters without an address.
std::optional<DhcpServer::Reply> DhcpServer::inform(const Request& request, const IpAddress& source) {
  counters_.dhcp_informs.add();
  const IpAddress in_use = request.view.ciaddr().is_unspecified() ? source : request.view.ciaddr();
  if (!in_use.is_v4() || in_use.is_unspecified()) {
    counters_.drops.count(DropReason::kDhcpMalformed);
    return std::nullopt;
  }
  counters_.dhcp_acks.add();
  wire::DhcpWriter writer = start(request, DhcpType::kAck, {});
  write_parameters(writer, request);
  return Reply{.message = writer.finish(), .to = in_use, .to_mac = request.mac};
}

void DhcpServer::decline(const Request& request, Instant now) {
  counters_.dhcp_declines.add();
  const std::optional<IpAddress> address = request.view.address_option(DhcpOption::kRequestedAddress);
  if (!address) return counters_.drops.count(DropReason::kDhcpMalformed);
  if (is_for_us(request)) leases_.decline(owner_or_self(request, *address), *address, now);
}

void DhcpServer::release(const Request& request, Instant now) {
  counters_.dhcp_releases.add();
  const IpAddress address = request.view.ciaddr();
  if (is_for_us(request)) leases_.release(owner_or_self(request, address), address, now);
}

// A client may leave out its identifier when it gives an address up; the station is proof enough.
LeaseClient DhcpServer::owner_or_self(const Request& request, const IpAddress& address) const {
  const LeaseClient* const owner = leases_.owner_of(address);
  const bool is_same_station =
      owner != nullptr && owner->mac == request.mac && owner->clone == request.client.clone;
  return is_same_station && request.client.client_id.empty() ? *owner : request.client;
}

bool DhcpServer::is_for_us(const Request& request) const {
  if (!request.view.has(DhcpOption::kServerIdentifier)) return true;
  return request.view.address_option(DhcpOption::kServerIdentifier) == config_.gateway;
}

std::string_view DhcpServer::fixed_name(const Request& request) const {
  const std::vector<StaticLease>& fixed = config_.dhcp.static_leases;
  const auto found = std::ranges::find(fixed, request.mac, &StaticLease::mac);
  return found == fixed.end() ? std::string_view{} : std::string_view{found->host_name};
}

// --- what is sent ---

wire::DhcpWriter DhcpServer::start(const Request& request, DhcpType type, const IpAddress& yiaddr) const {
  const std::size_t mtu = std::max<std::size_t>(config_.mtu, wire::kDhcpMinimumMaxSize);
  const std::size_t asked = request.view.number_option(DhcpOption::kMaxMessageSize).value_or(0);
  const std::size_t size = std::clamp(asked, wire::kDhcpMinimumMaxSize, mtu);
  const bool is_nak = type == DhcpType::kNak;
  wire::DhcpWriter writer{{.op = wire::DhcpOp::kReply,
                           .xid = request.view.xid(),
                           .broadcast = request.view.wants_broadcast(),
                           .ciaddr = type == DhcpType::kAck ? request.view.ciaddr() : IpAddress{},
                           .yiaddr = is_nak ? IpAddress{} : yiaddr,
                           .siaddr = {},
                           .giaddr = {},
                           .mac = request.mac},
                          size - wire::kDhcpHeadersBefore};
  writer.add_byte(DhcpOption::kMessageType, static_cast<std::uint8_t>(type));
  writer.add(DhcpOption::kServerIdentifier, config_.gateway);
  const std::string& id = request.client.client_id;
  if (!id.empty()) writer.add(DhcpOption::kClientIdentifier, bytes_of(id));  // RFC 6842
  return writer;
}

// RFC 2131 4.1: to the address in use, to everybody if the client asks for it, else to the new address at
// the client's MAC, which can take it before its address is set up.
DhcpServer::Reply DhcpServer::make_grant(const Request& request, DhcpType type,
                                         const IpAddress& address) const {
  wire::DhcpWriter writer = start(request, type, address);
  write_lease_times(writer, request);
  write_parameters(writer, request);
  Reply reply{.message = writer.finish(), .to = address, .to_mac = request.mac};
  if (!request.view.ciaddr().is_unspecified()) {
    reply.to = request.view.ciaddr();
  } else if (request.view.wants_broadcast()) {
    reply.to = everybody();
    reply.to_mac = MacAddress::broadcast();
  }
  return reply;
}

DhcpServer::Reply DhcpServer::make_nak(const Request& request) const {
  counters_.dhcp_naks.add();
  return {.message = start(request, DhcpType::kNak, {}).finish(),
          .to = everybody(),
          .to_mac = MacAddress::broadcast()};
}

void DhcpServer::write_lease_times(wire::DhcpWriter& writer, const Request& request) const {
  const std::uint32_t seconds = seconds_of(config_.dhcp.lease_time);
  writer.add_number(DhcpOption::kLeaseTime, seconds);
  if (seconds == kEndless || seconds < kLeastForTimers) return;
  const std::uint32_t renewal = seconds / 2;
  const std::uint32_t rebinding = seconds - seconds / 8;
  if (request.wants(DhcpOption::kRenewalTime)) writer.add_number(DhcpOption::kRenewalTime, renewal);
  if (request.wants(DhcpOption::kRebindingTime)) writer.add_number(DhcpOption::kRebindingTime, rebinding);
}

// What matters most comes first: an option that finds no room is left out.
void DhcpServer::write_parameters(wire::DhcpWriter& writer, const Request& request) const {
  const DhcpConfig& dhcp = config_.dhcp;
  const std::uint32_t host_bits = ~std::uint32_t{0} >> config_.subnet.length();
  const auto gateway = config_.gateway.bytes();
  // Without its mask an address is of little use: it is sent asked or not, and before the router.
  writer.add(DhcpOption::kSubnetMask, IpAddress::v4(~host_bits));
  if (request.wants(DhcpOption::kRouter)) writer.add(DhcpOption::kRouter, config_.gateway);
  if (request.wants(DhcpOption::kNameServers)) {
    std::vector<std::uint8_t> servers;
    for (const IpAddress& server : dhcp.name_servers) {
      if (server.is_v4()) servers.insert(servers.end(), server.bytes().begin(), server.bytes().end());
    }
    if (servers.empty()) servers.assign(gateway.begin(), gateway.end());
    writer.add(DhcpOption::kNameServers, servers);
  }
  // RFC 3442: whoever asks for routes ignores the router option.
  if (request.wants(DhcpOption::kClasslessRoutes)) {
    std::vector<std::uint8_t> routes{0};  // 0.0.0.0/0
    routes.insert(routes.end(), gateway.begin(), gateway.end());
    writer.add(DhcpOption::kClasslessRoutes, routes);
  }
  if (request.wants(DhcpOption::kMtu)) writer.add_number(DhcpOption::kMtu, config_.mtu);
  if (request.wants(DhcpOption::kBroadcastAddress)) {
    writer.add(DhcpOption::kBroadcastAddress, IpAddress::v4(config_.subnet.address().to_v4() | host_bits));
  }
  if (request.wants(DhcpOption::kDomainName) && !dhcp.domain.empty()) {
    writer.add(DhcpOption::kDomainName, bytes_of(dhcp.domain));
  }
  if (request.wants(DhcpOption::kHostName)) {
    const std::string_view name = fixed_name(request);
    if (!name.empty()) writer.add(DhcpOption::kHostName, bytes_of(name));
  }
  if (request.wants(DhcpOption::kDomainSearch)) {
    const std::vector<std::uint8_t> search = search_list(dhcp.domain);
    if (!search.empty()) writer.add(DhcpOption::kDomainSearch, search);
  }
}

}  // namespace wgr::slirp::lan
