// The answer to a DNS question that the router asked itself (Stack::ask_dns()).
#pragma once

#include <cstdint>
#include <vector>

namespace wgr::slirp {

struct DnsAnswer {
  std::uint64_t question = 0;
  std::vector<std::uint8_t> message;  // empty: the question was no DNS query
};

}  // namespace wgr::slirp
