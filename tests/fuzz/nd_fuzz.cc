// Any bytes as a message of neighbour discovery: every option found lies within the message, and is one
// that a walk from its start meets.
#include <cstdlib>
#include <vector>

#include "core/wire/nd.h"

namespace wgr::wire {
namespace {

void require(bool claim) {
  if (!claim) std::abort();
}

void fuzz_nd(const std::vector<std::uint8_t>& message) {
  const auto view = NdView::parse(message);
  if (!view) return;
  require(is_nd(message[0]) && message[1] == 0);
  for (const auto type : {NdOptionType::kSourceLinkLayer, NdOptionType::kTargetLinkLayer,
                          NdOptionType::kPrefix, NdOptionType::kMtu, NdOptionType::kRecursiveDns}) {
    const auto option = view->option(type);
    if (!option) continue;
    require(option->bytes.size() >= 8 && option->bytes.size() % 8 == 0);
    require(option->bytes.data() >= message.data());
    require(option->bytes.data() + option->bytes.size() <= message.data() + message.size());
    require(option->bytes[0] == static_cast<std::uint8_t>(type));
    require(view->link_layer(type).has_value());
  }
  const bool has_target = view->type() != NdType::kRouterSolicitation &&  //
                          view->type() != NdType::kRouterAdvertisement;
  if (has_target) require(view->target().is_v6());
}

}  // namespace
}  // namespace wgr::wire

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  wgr::wire::fuzz_nd({data, data + size});
  return 0;
}
