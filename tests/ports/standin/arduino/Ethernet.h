/* Arduino's Ethernet library as far as the sketch uses it: declarations written for this test, which is to compile and to link.
   Bytes go to Serial1. */
#ifndef STANDIN_ETHERNET_H
#define STANDIN_ETHERNET_H
#include <Arduino.h>
#include <Client.h>

class EthernetClient : public Client {
public:
    virtual int connect(IPAddress ip, uint16_t port) { (void)ip, (void)port; return 0; }
    virtual int connect(const char *host, uint16_t port) { (void)host, (void)port; Serial1.begin(115200); return 1; }
    virtual size_t write(uint8_t b) { return Serial1.write(b); }
    virtual size_t write(const uint8_t *buf, size_t n) { return Serial1.write(buf, n); }
    virtual int available() { return Serial1.available(); }
    virtual int read() { return Serial1.read(); }
    virtual int read(uint8_t *buf, size_t n)
    {
        size_t i = 0;
        while (i < n && Serial1.available() > 0)
            buf[i++] = (uint8_t)Serial1.read();
        return (int)i;
    }
    virtual int peek() { return Serial1.peek(); }
    virtual void flush() { Serial1.flush(); }
    virtual void stop() { Serial1.end(); }
    virtual uint8_t connected() { return 1; }
    virtual operator bool() { return true; }
};

class EthernetClass {
public:
    int begin(uint8_t *mac) { (void)mac; return 1; }
};
static EthernetClass Ethernet;
#endif
