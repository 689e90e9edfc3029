/* Arduino's Ethernet library as far as the sketch uses it, written for this test: a cable to one server, by the ATmega2560's
   second UART. Polled, so that a byte stays with the sender until it is wanted. */
#ifndef STANDIN_ETHERNET_H
#define STANDIN_ETHERNET_H
#include <Arduino.h>
#include <Client.h>

class EthernetClient : public Client {
public:
    virtual int connect(IPAddress ip, uint16_t port) { (void)ip, (void)port; return 0; }
    virtual int connect(const char *host, uint16_t port)
    {
        (void)host, (void)port;
        UBRR1 = 0;
        UCSR1C = _BV(UCSZ11) | _BV(UCSZ10);
        UCSR1B = _BV(RXEN1) | _BV(TXEN1);
        return 1;
    }
    virtual size_t write(uint8_t b) { return write(&b, 1); }
    virtual size_t write(const uint8_t *buf, size_t n)
    {
        size_t i;
        for (i = 0; i < n; i++) {
            while ((UCSR1A & _BV(UDRE1)) == 0)
                ;
            UDR1 = buf[i];
        }
        return n;
    }
    virtual int available() { return (UCSR1A & _BV(RXC1)) != 0 ? 1 : 0; }
    virtual int read() { return available() ? UDR1 : -1; }
    virtual int read(uint8_t *buf, size_t n)
    {
        size_t i = 0;
        while (i < n && available())
            buf[i++] = UDR1;
        return (int)i;
    }
    virtual int peek() { return -1; }
    virtual void flush() {}
    virtual void stop() {}
    virtual uint8_t connected() { return 1; }
    virtual operator bool() { return true; }
};

class EthernetClass {
public:
    int begin(uint8_t *mac) { (void)mac; return 1; }
};
static EthernetClass Ethernet;
#endif
