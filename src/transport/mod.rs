//! HOW IT TRAVELS: one closed enum over the embedded queue and RabbitMQ.
