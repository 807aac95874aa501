// Any bytes as an Ethernet frame, and behind its header as ARP. What is accepted must be written back as it
// was read.
#include <algorithm>
#include <cstdlib>
#include <vector>

#include "core/wire/arp.h"
#include "core/wire/ethernet.h"

namespace wgr::wire {
namespace {

void require(bool claim) {
  if (!claim) std::abort();
}

void fuzz_ethernet(std::vector<std::uint8_t> frame) {
  const auto view = EthernetView::parse(frame);
  require(view.has_value() == (frame.size() >= kEthernetHeaderSize));
  if (!view) return;
  require(view->payload().size() + kEthernetHeaderSize == frame.size());
  std::vector<std::uint8_t> header(kEthernetHeaderSize);
  write_ethernet(header, view->destination(), view->source(), view->type());
  require(std::equal(header.begin(), header.end(), frame.begin()));
  require(link_local_of(view->source()).is_link_local());

  const auto arp = ArpMessage::parse(view->payload());
  if (!arp) return;
  std::vector<std::uint8_t> written(kArpSize);
  write_arp(written, *arp);
  require(std::equal(written.begin(), written.end(), view->payload().begin()));
}

}  // namespace
}  // namespace wgr::wire

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  wgr::wire::fuzz_ethernet({data, data + size});
  return 0;
}
