// Both halves of a handshake, and what a flood pays.
#include "benchmark/benchmark.h"

#include "tests/bench/identities.h"
#include "wireguard/cookie.h"
#include "wireguard/handshake.h"
#include "wireguard/messages.h"
#include "wireguard/tai64n.h"

namespace wgr::bench {
namespace {

using namespace wireguard;

struct Ends {
  Ends() {
    if (!diffie_hellman(static_shared, guest.private_key, router.public_key)) std::abort();
  }

  Identity router{private_key_of(kRouterIdentity)};
  Identity guest{private_key_of(1)};
  SecretKey static_shared;
};

void InitiatorHalf(benchmark::State& state) {
  const Ends ends;
  Initiation initiation;
  const auto sent =
      create_initiation(ends.guest, ends.router.public_key, ends.static_shared, Timestamp{}, 1, initiation);
  auto opened = open_initiation(ends.router, initiation);
  Response response;
  if (!opened || !accept_initiation(*opened, ends.static_shared) ||
      !create_response(*opened, SecretKey{}, 2, response)) {
    state.SkipWithError("the handshake fails");
    return;
  }
  for (auto _ : state) {
    Initiation message;
    benchmark::DoNotOptimize(
        create_initiation(ends.guest, ends.router.public_key, ends.static_shared, Timestamp{}, 1, message));
    benchmark::DoNotOptimize(consume_response(ends.guest, *sent, SecretKey{}, response));
  }
}
BENCHMARK(InitiatorHalf);

void ResponderHalf(benchmark::State& state) {
  const Ends ends;
  Initiation initiation;
  create_initiation(ends.guest, ends.router.public_key, ends.static_shared, Timestamp{}, 1, initiation);
  for (auto _ : state) {
    auto opened = open_initiation(ends.router, initiation);
    Response response;
    if (!opened || !accept_initiation(*opened, ends.static_shared) ||
        !create_response(*opened, SecretKey{}, 2, response)) {
      state.SkipWithError("the handshake fails");
    }
    benchmark::DoNotOptimize(response);
  }
}
BENCHMARK(ResponderHalf);

void CookieReplyToFlood(benchmark::State& state) {
  const Ends ends;
  Initiation initiation;
  create_initiation(ends.guest, ends.router.public_key, ends.static_shared, Timestamp{}, 1, initiation);
  CookieJar(ends.router.public_key)
      .add_macs({reinterpret_cast<std::uint8_t*>(&initiation), sizeof initiation}, Instant{});
  CookieChecker checker(ends.router.public_key);
  const Endpoint from = Endpoint::udp({IpAddress::v4(127, 0, 0, 1), 1000});
  for (auto _ : state) {
    if (!checker.has_valid_mac1(bytes_of(initiation))) state.SkipWithError("mac1");
    benchmark::DoNotOptimize(checker.create_reply(bytes_of(initiation), 1, from, Instant{}));
  }
}
BENCHMARK(CookieReplyToFlood);

}  // namespace
}  // namespace wgr::bench
