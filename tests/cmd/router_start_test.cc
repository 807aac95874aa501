// What a router does before it serves: its ports are its own.
#include <system_error>

#include "cmd/router.h"
#include "tests/cmd/config_fixture.h"

namespace wgr {
namespace {

using testing::HasSubstr;

class RouterStartTest : public ConfigTest {
 protected:
  RouterStartTest() {
    env("WG_PRIVATE_KEY", kPrivateKey);
    env("WG_LISTEN_ADDRESSES", "127.0.0.1");
    env("WGROUTER_WS_ENABLED", "false");
    env("WGROUTER_METRICS_ENABLED", "false");
    env("WGROUTER_LAN_ENABLED", "false");
  }

  Config with(std::size_t workers, std::uint16_t port) {
    Config config = load();
    config.processor.workers = workers;
    config.wireguard.listen_port = port;
    return config;
  }

  std::string error_of_start(Config config) {
    try {
      const Router router{std::move(config), ConfigSource{places_}};
      return {};
    } catch (const std::system_error& error) {
      return error.what();
    }
  }
};

TEST_F(RouterStartTest, WorkersShareAPortThatAnotherRouterCannotHave) {
  const Router router{with(2, 0), ConfigSource{places_}};
  ASSERT_NE(router.listen_port(), 0);
  for (const std::size_t workers : {1, 2}) {
    EXPECT_THAT(error_of_start(with(workers, router.listen_port())), HasSubstr("cannot listen on UDP"));
  }
}

TEST_F(RouterStartTest, APortIsFreeAgainAfterItsRouter) {
  std::uint16_t port = 0;
  {
    const Router router{with(2, 0), ConfigSource{places_}};
    port = router.listen_port();
  }
  EXPECT_EQ(error_of_start(with(2, port)), "");
}

}  // namespace
}  // namespace wgr
