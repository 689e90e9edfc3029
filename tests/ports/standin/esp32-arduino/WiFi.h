#pragma once
#include <Client.h>
enum { WL_CONNECTED = 3 };
struct WiFiClass { int begin(const char *name, const char *password); int status(void); };
extern WiFiClass WiFi;
class WiFiClient : public Client {
public:
    int connect(const char *host, uint16_t port);
    size_t write(const uint8_t *buf, size_t size);
    int available();
    int read(uint8_t *buf, size_t size);
    void stop();
    uint8_t connected();
};
