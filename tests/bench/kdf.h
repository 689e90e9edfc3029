/* kdf.h: PBKDF2 of xmpp.h, for kdf.c */
void kdf_ours(int sha256, const char *password, const void *salt, unsigned long salt_n, unsigned iterations, unsigned char *out);
