//! RabbitMQ.

/// A RabbitMQ broker.
#[derive(Clone)]
pub struct Rabbitmq;
