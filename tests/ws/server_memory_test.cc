// What an idle session costs in memory of the process: the aim is 16 KiB, and 32 KiB with TLS. The clients'
// ends are plain descriptors by the time it is measured. Without glibc's figures (sanitizers replace its
// allocator) both sums are zero.
#include <malloc.h>

#include "server_world.h"

namespace wgr::ws {
namespace {

constexpr std::size_t kSessions = 300;

class ServerMemoryTest : public ServerTest {
 protected:
  ServerMemoryTest() {
    config_.limits.sessions_per_source = 2 * kSessions;
    config_.limits.half_open_per_source = 2 * kSessions;
    config_.limits.handshakes_per_second = 1'000'000;
    config_.limits.handshake_burst = 1'000'000;
  }

  // Opens sessions that have spoken once, and fall silent.
  void open_sessions(std::size_t count, const std::shared_ptr<const TlsContext>& tls) {
    for (std::size_t i = 0; i < count; ++i) {
      TestClient& client = connect_upgraded("/", tls);
      client.send_message(std::string(1000, 'x'));
      ASSERT_TRUE(run_until([&] { return client.messages.size() == 1; }));
      sockets_.push_back(client.release_socket());
      clients.clear();
    }
  }

  std::size_t bytes_per_session(const std::shared_ptr<const TlsContext>& tls) {
    sockets_.reserve(2 * kSessions);
    open_sessions(kSessions / 10, tls);  // what is made once
    const std::size_t before = mallinfo2().uordblks;
    open_sessions(kSessions, tls);
    const std::size_t after = mallinfo2().uordblks;
    const std::size_t each = after > before ? (after - before) / kSessions : 0;
    RecordProperty("bytes_per_session", static_cast<int>(each));
    return each;
  }

  std::vector<io::Descriptor> sockets_;
};

TEST_F(ServerMemoryTest, AnIdleSessionIsSmall) {
  start();
  EXPECT_LE(bytes_per_session(nullptr), 16u * 1024);
}

TEST_F(ServerMemoryTest, AnIdleSessionBehindTlsIsSmall) {
  CertificateFolder folder;
  const TlsFiles files = folder.make();
  config_.listeners[0].tls = files;
  start();
  EXPECT_LE(bytes_per_session(TlsContext::for_client(files.certificate, /*verify=*/true)), 32u * 1024);
}

}  // namespace
}  // namespace wgr::ws
