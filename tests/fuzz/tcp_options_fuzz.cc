// Any bytes as TCP options. What was read and fits a header must be written back to the same options.
#include <cstdlib>
#include <vector>

#include "core/wire/tcp.h"

namespace wgr::wire {
namespace {

void require(bool claim) {
  if (!claim) std::abort();
}

void fuzz_options(Bytes bytes) {
  TcpHeader header;
  header.options = parse_tcp_options(bytes);
  require(header.options.sack_count <= header.options.sack.size());
  if (header.size() > kTcpMaxHeaderSize) return;

  const IpAddress source = IpAddress::v4(10, 0, 0, 2);
  const IpAddress destination = IpAddress::v4(192, 0, 2, 1);
  std::vector<std::uint8_t> segment(header.size() + 1);
  write_tcp(segment, header, source, destination);
  const auto view = TcpView::parse(segment);
  require(view && view->options() == header.options && view->payload().size() == 1);
  require(view->checksum_is_valid(source, destination));
}

}  // namespace
}  // namespace wgr::wire

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<std::uint8_t> bytes(data, data + size);
  wgr::wire::fuzz_options(bytes);
  return 0;
}
