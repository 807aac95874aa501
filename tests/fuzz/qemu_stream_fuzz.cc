// Any bytes as QEMU's stream of frames: the same frames however it is cut, none empty or too long, and what
// was read can be written back to the same stream.
#include <cstdlib>
#include <string>
#include <vector>

#include "core/rng.h"
#include "ws/ethernet/framing.h"

namespace wgr::ws::ethernet {
namespace {

void require(bool claim) {
  if (!claim) std::abort();
}

struct Outcome {
  std::string written;  // the frames, with their lengths
  bool is_sound = true;

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome feed(Bytes bytes, std::uint64_t seed) {
  Rng rng{seed};
  QemuStream stream;
  Outcome outcome;
  while (!bytes.empty()) {
    const std::size_t size =
        seed == 0 ? bytes.size() : 1 + rng.below(std::min<std::size_t>(bytes.size(), 40));
    std::vector<std::uint8_t> message(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    std::vector<MutableBytes> frames;
    outcome.is_sound = stream.receive(message, frames);
    for (const MutableBytes frame : frames) {
      require(!frame.empty() && frame.size() <= kMaxFrame);
      const auto length = qemu_length(frame.size());
      outcome.written.append(length.begin(), length.end()).append(frame.begin(), frame.end());
    }
    stream.end_turn();
    bytes = bytes.subspan(size);
  }
  return outcome;
}

}  // namespace
}  // namespace wgr::ws::ethernet

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wgr::ws::ethernet;
  const Outcome whole = feed({data, size}, 0);
  require(whole == feed({data, size}, size + 1));
  const auto* const written = reinterpret_cast<const std::uint8_t*>(whole.written.data());
  const Outcome again = feed({written, whole.written.size()}, 0);
  require(again.is_sound && again.written == whole.written);
  return 0;
}
